//! What differs between two documents, line by line.

use std::collections::HashMap;

use serde::Serialize;

/// How many lines are shown around a change.
const AROUND: usize = 3;
/// The most pairs of lines that are compared; beyond it what lies between the first and the last change is shown as
/// replaced whole.
const MOST_PAIRS: usize = 1_000_000;
/// The most lines that are shown.
const MOST_LINES: usize = 2000;
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

/// `same`, `added` or `removed`, and the line.
pub(super) type Step<'t> = (&'static str, &'t str);

/// What leads from one text to the other: equal ends are taken away, the rest is compared by its longest common lines.
pub(super) fn steps<'t>(old: &'t [String], new: &'t [String]) -> Vec<Step<'t>> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
