//! Names of tables and columns without the numbers of shards, days and sessions.

use std::borrow::Cow;

/// Writes `{%s}` for runs of eight or more hexadecimal digits and of two or more digits.
pub(super) fn without_numbers(name: &str) -> Cow<'_, str> {
    let mut out: Option<String> = None;
    let mut copied = 0;
    let mut at = 0;
    while at < name.len() {
        let length = number_length(&name.as_bytes()[at..]);
        if length == 0 {
            at += 1;
            continue;
        }
        let out = out.get_or_insert_default();
        out.push_str(&name[copied..at]);
        out.push_str("{%s}");
        at += length;
        copied = at;
    }
    match out {
        Some(mut out) => {
            out.push_str(&name[copied..]);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(name),
    }
}

/// The length of the number at the beginning, 0 if there is none.
fn number_length(bytes: &[u8]) -> usize {
    let run = |digit: fn(&u8) -> bool| bytes.iter().take_while(|byte| digit(byte)).count();
    let hex = run(u8::is_ascii_hexdigit);
    if hex >= 8 {
        return hex;
    }
    match run(u8::is_ascii_digit) {
        0 | 1 => 0,
        digits => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::without_numbers;

    #[test]
    fn numbers_in_names_are_one() {
        let cases = [
            ("users", "users"),
            ("t1", "t1"),
            ("log_20231201", "log_{%s}"),
            ("p12_a3_45", "p{%s}_a3_{%s}"),
            ("cache_deadbeef01", "cache_{%s}"),
            ("ärger_12", "ärger_{%s}"),
            ("", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(without_numbers(name), expected);
        }
    }
}
