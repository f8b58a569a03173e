//! What differs between two values, word by word.

use serde::Serialize;

use super::diff::steps;

/// The most characters of a part of a value that changed, and of one that did not, and the most parts.
const LONGEST_CHANGED: usize = 400;
const LONGEST_SAME: usize = 120;
const MOST_PARTS: usize = 60;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
