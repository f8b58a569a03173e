//! Lines that many teams want, to be added to a text of rules with one click.

use bugle_query::rules;

/// Some lines of rules that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// What it is called in forms and links: letters and `-`.
    pub name: &'static str,
    /// What people read; also the comment above the lines.
    pub title: &'static str,
    /// What it does and for whom, in a sentence or two.
    pub explanation: &'static str,
    /// The lines.
    pub lines: &'static [&'static str],
    /// Where they go in a text that is there already.
    pub place: Place,
}

/// Where the lines of a preset go; where the first line that holds decides, this says which wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Above all others.
    Top,
    /// Below all others.
    Bottom,
}

impl Preset {
    /// Whether all lines are in the text, in whatever spelling.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let present: Vec<_> = text.lines().filter_map(canonical).collect();
        let mut own = self.lines.iter().filter_map(|line| canonical(line));
        own.all(|line| present.contains(&line))
    }

    /// The text with those lines that it lacks, under the title as a comment. The other lines stay as they are.
    #[must_use]
    pub fn add_to(&self, text: &str) -> String {
        let present: Vec<_> = text.lines().filter_map(canonical).collect();
        let is_missing =
            |line: &&&str| canonical(line).is_some_and(|line| !present.contains(&line));
        let missing: Vec<&str> = self.lines.iter().filter(is_missing).copied().collect();
        if missing.is_empty() {
            return text.to_owned();
        }
        let block = format!("# {}\n{}\n", self.title, missing.join("\n"));
        match self.place {
            _ if text.trim().is_empty() => block,
            Place::Top => format!("{block}\n{text}"),
            Place::Bottom => {
                let line_end = if text.ends_with('\n') { "" } else { "\n" };
                format!("{text}{line_end}\n{block}")
            }
        }
    }

    /// The text without these lines, and without the comment that [`Preset::add_to`] wrote. The other lines stay as
    /// they are.
    #[must_use]
    pub fn remove_from(&self, text: &str) -> String {
        let own: Vec<_> = self
            .lines
            .iter()
            .filter_map(|line| canonical(line))
            .collect();
        let is_own = |line: &str| canonical(line).is_some_and(|line| own.contains(&line));
        let title = format!("# {}", self.title);
        let mut kept: Vec<&str> = Vec::new();
        let mut removed = false;
        for line in text.split_inclusive('\n') {
            if is_own(line) {
                removed = true;
                if kept.last().is_some_and(|above| above.trim() == title) {
                    kept.pop();
                }
                continue;
            }
            // The blank line that set the block apart would otherwise stay, once for each time it was added.
            let is_blank = line.trim().is_empty();
            let above_is_blank = kept.last().is_none_or(|above| above.trim().is_empty());
            if removed && is_blank && above_is_blank {
                continue;
            }
            removed = false;
            kept.push(line);
        }
        if removed && kept.last().is_some_and(|last| last.trim().is_empty()) {
            kept.pop();
        }
        kept.concat()
    }
}

/// A line as it would be printed; `None` for comments and blank lines. What is no rule stands for itself.
fn canonical(line: &str) -> Option<String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let parsed = rules::parse(line, |action| {
        let words: Vec<_> = action.split_whitespace().collect();
        Ok(words.join(" "))
    });
    let rule = parsed.ok().and_then(|set| set.into_rules().next());
    Some(rule.map_or_else(
        || line.to_owned(),
        |rule| format!("{} -> {}", rule.condition, rule.action),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISE: Preset = Preset {
        name: "noise",
        title: "Noise",
        explanation: "For the tests.",
        lines: &["level:[debug, info] -> drop", "logger:noisy -> drop"],
        place: Place::Bottom,
    };

    const FIRST: Preset = Preset {
        place: Place::Top,
        ..NOISE
    };

    #[test]
    fn lines_are_recognised_in_any_spelling() {
        for (text, expected) in [
            ("", false),
            ("level:[debug, info] -> drop", false),
            ("level:[debug, info] -> drop\nlogger:noisy -> drop", true),
            (
                "  level:[debug,info]   ->drop  \r\n\n# x\nlogger:\"noisy\"  ->  drop\r\n",
                true,
            ),
            (
                "# level:[debug, info] -> drop\n# logger:noisy -> drop",
                false,
            ),
            ("level:[debug, info] -> keep\nlogger:noisy -> drop", false),
        ] {
            assert_eq!(NOISE.is_in(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_was_added_can_be_removed() {
        for text in [
            "",
            "a:b -> drop",
            "a:b -> drop\n",
            "# Ours\r\na:b   ->  drop\r\n\r\nnot a rule\n",
            "a:b -> drop\n\n\n\nc:d -> drop",
        ] {
            for preset in [NOISE, FIRST] {
                assert!(!preset.is_in(text));
                let with = preset.add_to(text);
                assert!(preset.is_in(&with), "{with:?}");
                assert_eq!(preset.add_to(&with), with, "twice is once");
                let without = preset.remove_from(&with);
                assert!(!preset.is_in(&without));
                assert_eq!(without.trim_end(), text.trim_end(), "from {with:?}");
            }
        }
    }

    #[test]
    fn only_what_is_missing_is_added() {
        let text = "logger:\"noisy\"   ->   drop\na:b -> drop\n";
        let with = NOISE.add_to(text);
        assert_eq!(
            with,
            "logger:\"noisy\"   ->   drop\na:b -> drop\n\n# Noise\nlevel:[debug, info] -> drop\n"
        );
        assert_eq!(NOISE.remove_from(&with), "a:b -> drop\n");
        let above = FIRST.add_to("a:b -> drop");
        assert!(above.starts_with("# Noise\nlevel:"), "{above}");
    }

    #[test]
    fn other_lines_stay_where_they_are() {
        let text = "# Ours\na:b -> drop\nlogger:noisy -> drop\n# Theirs\nc:d -> drop\n";
        assert_eq!(
            NOISE.remove_from(text),
            "# Ours\na:b -> drop\n# Theirs\nc:d -> drop\n"
        );
    }
}
