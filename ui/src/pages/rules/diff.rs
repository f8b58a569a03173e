//! What differs between two documents, line by line.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

/// How many lines are shown around a change.
const AROUND: usize = 3;
/// The most pairs of lines that are compared; beyond it what lies between the first and the last change is shown as
/// replaced whole.
const MOST_PAIRS: usize = 1_000_000;
/// The most lines that are shown.
const MOST_LINES: usize = 2000;
/// The most characters of a part of a value that changed, and of one that did not, and the most parts.
const LONGEST_CHANGED: usize = 400;
const LONGEST_SAME: usize = 120;
const MOST_PARTS: usize = 60;
/// The most characters of a line that are shown.
const LONGEST_LINE: usize = 2000;

/// A comparison, for `diff()` in `rules_macros.html`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Diff {
    lines: Vec<DiffLine>,
    /// How many lines only the newer one has.
    pub(super) added: usize,
    /// How many lines only the older one has.
    pub(super) removed: usize,
    /// Whether there is more than is shown.
    is_cut: bool,
}

/// A line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DiffLine {
    /// `same`, `added`, `removed`, or `gap` for lines that are left out.
    kind: &'static str,
    text: String,
}

impl Diff {
    /// Compares two texts by lines.
    pub(super) fn of(old: &[String], new: &[String]) -> Self {
        let steps = steps(old, new);
        let count = |kind| steps.iter().filter(|(k, _)| *k == kind).count();
        let mut diff = Self {
            added: count("added"),
            removed: count("removed"),
            ..Self::default()
        };
        let is_near = near_changes(&steps);
        let mut gap = 0;
        for ((kind, text), is_near) in steps.iter().zip(is_near) {
            if !is_near {
                gap += 1;
                continue;
            }
            diff.push_gap(&mut gap);
            diff.push(kind, text.chars().take(LONGEST_LINE).collect());
        }
        diff.push_gap(&mut gap);
        diff
    }

    fn push(&mut self, kind: &'static str, text: String) {
        match self.lines.len() < MOST_LINES {
            true => self.lines.push(DiffLine { kind, text }),
            false => self.is_cut = true,
        }
    }

    fn push_gap(&mut self, gap: &mut usize) {
        let s = if *gap == 1 { "" } else { "s" };
        if *gap > 0 {
            self.push("gap", format!("{gap} line{s} unchanged"));
        }
        *gap = 0;
    }
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    text: String,
    /// Whether the other text lacks it.
    is_changed: bool,
}

/// Two texts in parts, word by word, with what only one of them has marked; long parts that both have are shortened.
pub(super) fn parts(old: &str, new: &str) -> (Vec<Part>, Vec<Part>) {
    let (old, new) = (words_of(old), words_of(new));
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (kind, word) in steps(&old, &new) {
        if kind != "added" {
            push_part(&mut before, word, kind == "removed");
        }
        if kind != "removed" {
            push_part(&mut after, word, kind == "added");
        }
    }
    (shortened(before), shortened(after))
}

/// Runs of letters and digits, and single characters between them.
fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_inside = false;
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if is_inside && c.is_alphanumeric() => word.push(c),
            _ => words.push(c.to_string()),
        }
        is_inside = c.is_alphanumeric();
    }
    words
}

fn push_part(parts: &mut Vec<Part>, text: &str, is_changed: bool) {
    match parts.last_mut() {
        Some(last) if last.is_changed == is_changed => last.text.push_str(text),
        _ => parts.push(Part {
            text: text.to_owned(),
            is_changed,
        }),
    }
}

fn shortened(parts: Vec<Part>) -> Vec<Part> {
    let shorten = |part: Part| Part {
        text: match part.is_changed {
            true => middle_cut(&part.text, LONGEST_CHANGED),
            false => middle_cut(&part.text, LONGEST_SAME),
        },
        ..part
    };
    parts.into_iter().take(MOST_PARTS).map(shorten).collect()
}

/// The text with its middle left out if it is longer than `most` characters.
fn middle_cut(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most / 2).collect();
    let tail: String = text.chars().skip(length - most / 2).collect();
    format!("{head} … {tail}")
}

type Step<'t> = (&'static str, &'t str);

/// What leads from one text to the other: equal ends are taken away, the rest is compared by its longest common lines.
fn steps<'t>(old: &'t [String], new: &'t [String]) -> Vec<Step<'t>> {
    let pairs = old.iter().zip(new);
    let head = pairs.take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let pairs = old_rest.iter().rev().zip(new_rest.iter().rev());
    let tail = pairs.take_while(|(a, b)| a == b).count();
    let (old_rest, end) = old_rest.split_at(old_rest.len() - tail);
    let new_rest = &new_rest[..new_rest.len() - tail];

    let same = |line: &'t String| ("same", line.as_str());
    let mut steps: Vec<Step<'t>> = old[..head].iter().map(same).collect();
    match old_rest.len().saturating_mul(new_rest.len()) <= MOST_PAIRS {
        true => steps.extend(compare(old_rest, new_rest)),
        false => {
            steps.extend(old_rest.iter().map(|line| ("removed", line.as_str())));
            steps.extend(new_rest.iter().map(|line| ("added", line.as_str())));
        }
    }
    steps.extend(end.iter().map(same));
    steps
}

fn compare<'t>(old: &'t [String], new: &'t [String]) -> Vec<Step<'t>> {
    let (old_ids, new_ids) = ids(old, new);
    // lengths[i][j]: how many lines old[i..] and new[j..] have in common, in order.
    let width = new.len() + 1;
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            lengths[i * width + j] = match old_ids[i] == new_ids[j] {
                true => lengths[(i + 1) * width + j + 1] + 1,
                false => lengths[(i + 1) * width + j].max(lengths[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut steps = Vec::with_capacity(old.len() + new.len());
    while i < old.len() || j < new.len() {
        let is_removal = j == new.len()
            || (i < old.len() && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]);
        if i < old.len() && j < new.len() && old_ids[i] == new_ids[j] {
            steps.push(("same", old[i].as_str()));
            (i, j) = (i + 1, j + 1);
        } else if is_removal {
            steps.push(("removed", old[i].as_str()));
            i += 1;
        } else {
            steps.push(("added", new[j].as_str()));
            j += 1;
        }
    }
    steps
}

/// A number for each line, the same for equal ones, so that a long line is read once.
fn ids(old: &[String], new: &[String]) -> (Vec<usize>, Vec<usize>) {
    let mut known = HashMap::new();
    let mut id = |line| {
        let next = known.len();
        *known.entry(line).or_insert(next)
    };
    let old = old.iter().map(&mut id).collect();
    (old, new.iter().map(&mut id).collect())
}

fn near_changes(steps: &[Step<'_>]) -> Vec<bool> {
    let mut is_near = vec![false; steps.len()];
    for (i, (kind, _)) in steps.iter().enumerate() {
        if *kind != "same" {
            let end = (i + AROUND + 1).min(steps.len());
            is_near[i.saturating_sub(AROUND)..end].fill(true);
        }
    }
    is_near
}

/// A document as lines for people: each member with its name, texts and lists line by line.
pub(super) fn lines(document: &Value) -> Vec<String> {
    let Value::Object(members) = document else {
        return pretty(document);
    };
    let none = || vec!["none".to_owned()];
    let mut lines = Vec::new();
    for (name, value) in members {
        let name = words(name);
        let (short, inner) = match value {
            Value::Bool(is_on) => (if *is_on { "on" } else { "off" }, Vec::new()),
            Value::String(text) if text.trim().is_empty() => ("", none()),
            Value::String(text) => ("", text.lines().map(str::to_owned).collect()),
            Value::Array(items) if items.is_empty() => ("", none()),
            Value::Array(items) => ("", items.iter().map(item).collect()),
            Value::Object(members) if members.is_empty() => ("", none()),
            other => ("", pretty(other)),
        };
        lines.push(format!("{name}: {short}").trim_end().to_owned());
        lines.extend(inner.into_iter().map(|line| format!("  {line}")));
    }
    lines
}

fn item(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn pretty(value: &Value) -> Vec<String> {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// `scrubIpAddresses` as `scrub ip addresses`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in if name == "excludeFields" {
        "safeFields"
    } else {
        name
    }
    .chars()
    {
        match c {
            '_' => words.push(' '),
            c if c.is_ascii_uppercase() => {
                words.push(' ');
                words.push(c.to_ascii_lowercase());
            }
            c => words.push(c),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn diff(old: &str, new: &str) -> Vec<(&'static str, String)> {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let diff = Diff::of(&lines(old), &lines(new));
        diff.lines
            .into_iter()
            .map(|line| (line.kind, line.text))
            .collect()
    }

    fn short(old: &str, new: &str) -> String {
        let sign = |(kind, text): (&str, String)| match kind {
            "added" => format!("+{text}"),
            "removed" => format!("-{text}"),
            "gap" => format!("({text})"),
            _ => text,
        };
        let signs: Vec<String> = diff(old, new).into_iter().map(sign).collect();
        signs.join(" ")
    }

    #[test]
    fn changes_stand_between_what_stayed() {
        for (old, new, wanted) in [
            ("a b c", "a x c", "a -b +x c"),
            ("a", "a b", "a +b"),
            ("a b", "b", "-a b"),
            ("a b c d", "b d e", "-a b -c d +e"),
            (
                "1 2 3 4 5 6 7 8",
                "1 2 3 4 5 6 7 9",
                "(4 lines unchanged) 5 6 7 -8 +9",
            ),
            ("a b", "a b", "(2 lines unchanged)"),
        ] {
            assert_eq!(short(old, new), wanted);
        }
    }

    #[test]
    fn big_texts_are_compared_in_bounds() {
        let old: Vec<String> = (0..60_000).map(|i| format!("old {i}")).collect();
        let mut new: Vec<String> = (0..60_000).map(|i| format!("new {i}")).collect();
        new[30_000].clone_from(&old[30_000]);
        let diff = Diff::of(&old, &new);
        assert_eq!((diff.added, diff.removed), (60_000, 60_000));
        assert!(diff.is_cut && diff.lines.len() == MOST_LINES);
        let long = ["x".repeat(1 << 20)];
        let diff = Diff::of(&long, &[]);
        assert_eq!(diff.lines[0].text.len(), LONGEST_LINE);
    }

    #[test]
    fn values_are_compared_word_by_word() {
        let shown = |parts: Vec<Part>| -> String {
            let mark = |part: Part| match part.is_changed {
                true => format!("<{}>", part.text),
                false => part.text,
            };
            parts.into_iter().map(mark).collect()
        };
        let (before, after) = parts("mail ada@x.de, now", "mail [email], now");
        assert_eq!(shown(before), "mail <ada@x.de>, now");
        assert_eq!(shown(after), "mail <[email]>, now");
        let long = format!("{} secret", "é".repeat(100_000));
        let (before, after) = parts(&long, "");
        assert_eq!((before.len(), after.len()), (1, 0));
        assert!(before[0].text.chars().count() < 410);
    }

    #[test]
    fn documents_are_lines_for_people() {
        let document = json!({"scrubIpAddresses": true, "excludeFields": [], "rules": "a -> drop\n# b",
            "sensitiveFields": ["pin", 1], "advanced": {"rules": {"0": {"type": "ip"}}}});
        let text = lines(&document).join("\n");
        let wanted = "advanced:\n  {\n    \"rules\": {\n      \"0\": {\n        \"type\": \"ip\"\n      }\n    }\n  }\n\
                      safe fields:\n  none\nrules:\n  a -> drop\n  # b\nscrub ip addresses: on\n\
                      sensitive fields:\n  pin\n  1";
        assert_eq!(text, wanted);
        assert_eq!(lines(&json!([1])), ["[", "  1", "]"]);
    }
}
