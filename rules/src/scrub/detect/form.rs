//! What a text has if it holds what an expression looks for: cheaper to look for, and nearly always missing.

use memchr::memchr_iter;

/// A country, two digits, and eleven letters and digits or more.
const SHORTEST_IBAN: usize = 15;

/// Whether any run of letters and digits begins like an account number and is long enough for one. None begins within a
/// run, since it stands at a word boundary.
pub(super) fn may_hold_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut from = 0;
    // From its end a window is left as soon as anything else is in it, so that most bytes are not looked at.
    while let Some(window) = bytes.get(from..from + SHORTEST_IBAN) {
        if let Some(place) = window
            .iter()
            .rposition(|byte| !byte.is_ascii_alphanumeric())
        {
            from += place + 1;
            continue;
        }
        if is_like(window, b"AA00") {
            return true;
        }
        let run = bytes[from..].iter();
        from += run.take_while(|byte| byte.is_ascii_alphanumeric()).count();
    }
    false
}

/// Whether digits are grouped anywhere as those of a social security number are.
pub(super) fn may_hold_us_ssn(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr_iter(b'-', bytes)
        .filter_map(|dash| bytes.get(dash.checked_sub(3)?..))
        .any(|text| is_like(text, b"000-00-0000"))
}

/// Whether there is a `://`.
pub(super) fn may_hold_url(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr_iter(b':', bytes).any(|colon| bytes[colon + 1..].starts_with(b"//"))
}

/// Whether `text` begins as `form` does, of which `0` stands for any digit and `A` for any capital.
fn is_like(text: &[u8], form: &[u8]) -> bool {
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'A' => byte.is_ascii_uppercase(),
        other => byte == other,
    };
    text.len() >= form.len() && text.iter().zip(form).all(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{IBAN, US_SSN};
    use super::*;

    proptest! {
        #[test]
        fn what_an_expression_finds_has_the_form(
            text in "(DE|GB82|NO93|89|0{3}|123|-[0-9]{2}-|[0-9]{4}|[a-zA-Z0-9]{1,12}|[ _é.,\u{a0}-]){0,10}",
        ) {
            prop_assert!(may_hold_iban(&text) || !IBAN.is_match(&text), "{}", text);
            prop_assert!(may_hold_us_ssn(&text) || !US_SSN.is_match(&text), "{}", text);
        }

        #[test]
        fn account_and_security_numbers_have_their_form(
            iban in "(.|\\W)?(DE|FR|NO)[0-9]{2}[a-zA-Z0-9]{9,14}.?",
            ssn in "[0-9 x]?[0-9]{3}-[0-9]{2}-[0-9]{4}.?",
        ) {
            prop_assert!(may_hold_iban(&iban) || !IBAN.is_match(&iban), "{}", iban);
            prop_assert!(may_hold_us_ssn(&ssn) || !US_SSN.is_match(&ssn), "{}", ssn);
        }
    }
}
