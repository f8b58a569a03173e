//! Telephone numbers.

use std::sync::LazyLock;

use regex::Regex;

use super::{Range, compile};

/// No number that is looked for has less.
pub(super) const FEWEST_DIGITS: usize = 8;

/// `+` with a country code and the rest in groups, or a North American number in its usual ways of writing.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?x)
        \+ [1-9] (?: [\ ./()-]{0,2} [0-9] ){7,14}
        | \( [2-9][0-9]{2} \) [\ -]? [2-9][0-9]{2} [\ .-] [0-9]{4}
        | \b [2-9][0-9]{2} (?: - [2-9][0-9]{2} - | \. [2-9][0-9]{2} \. ) [0-9]{4}",
    )
});

/// The telephone numbers in a text, in order.
///
/// International numbers have 8 to 15 digits (E.164). What belongs to a longer number or a name is none, nor is the time
/// zone after a time, or a number with a fraction.
pub(super) fn find(text: &str) -> Vec<Range> {
    let found = NUMBER.find_iter(text).filter(|found| {
        let (before, after) = (&text[..found.start()], &text[found.end()..]);
        is_free_before(before, found.as_str())
            && is_free_after(after)
            && !is_fraction(found.as_str())
    });
    found.map(|found| (found.start(), found.end())).collect()
}

fn is_free_before(before: &str, number: &str) -> bool {
    let mut chars = before.chars().rev();
    let Some(last) = chars.next() else {
        return true;
    };
    let follows_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    match last {
        // `17:00:00 +1000 2026`: an offset.
        ' ' => !(number.starts_with('+') && follows_digit(chars.next())),
        '.' | '-' | '+' => !follows_digit(chars.next()) && last != '+',
        _ => !(last.is_alphanumeric() || last == '_'),
    }
}

fn is_free_after(after: &str) -> bool {
    let mut chars = after.chars();
    match chars.next() {
        None => true,
        Some('.' | '-' | ' ') => !chars.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => !(c.is_alphanumeric() || c == '_'),
    }
}

/// `+1.2345678`.
fn is_fraction(number: &str) -> bool {
    let mut signs = number.bytes().skip(1).filter(|byte| !byte.is_ascii_digit());
    signs.next() == Some(b'.') && signs.next().is_none()
}
