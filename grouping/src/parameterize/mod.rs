//! Replaces data in messages by its kind, so that `order 12 failed` and `order 99 failed` are the same message.
//!
//! One scan from left to right: at each place where a word may begin, the first kind that fits is replaced by its name in
//! angle brackets. Written by hand, because the kinds are told apart by what stands before and behind them, which
//! linear-time regexes cannot see. Every kind looks at a bounded or never again visited stretch of text.

mod date;
mod net;
mod number;
mod text;

use text::Text;

/// Finds the end of one kind of data that begins at a place.
type Kind = fn(&Text<'_>, usize) -> Option<usize>;

/// The kinds in the order in which they are tried.
const KINDS: [(&str, Kind); 18] = [
    ("<email>", net::email),
    ("<url>", net::url),
    ("<hostname>", net::hostname),
    ("<traceparent>", number::traceparent),
    ("<uuid>", number::uuid),
    ("<sha1>", number::sha1),
    ("<md5>", number::md5),
    ("<date>", date::date),
    ("<ip>", net::ip),
    ("<duration>", number::duration),
    ("<swift_txn_id>", number::swift_transaction_id),
    ("<hex>", number::hex),
    ("<git_sha>", number::git_sha),
    ("<float>", number::float),
    ("<int>", number::int),
    ("<random_id>", number::random_id),
    ("<quoted_str>", text::quoted_string),
    ("<bool>", text::boolean),
];

/// Replaces what changes from event to event by its kind: `order 12 at 10:20` becomes `order <int> at <date>`.
#[must_use]
pub fn parameterize(input: &str) -> String {
    let text = Text::new(input);
    let mut out = String::with_capacity(input.len() + 16);
    let mut copied = 0;
    let mut at = 0;
    while at < input.len() {
        match first_kind(&text, at) {
            Some((name, end)) => {
                out.push_str(&input[copied..at]);
                out.push_str(name);
                at = end;
                copied = end;
            }
            None => at = text.next_place(at),
        }
    }
    out.push_str(&input[copied..]);
    out
}

fn first_kind(text: &Text<'_>, at: usize) -> Option<(&'static str, usize)> {
    if !text.may_start_data(at) {
        return None;
    }
    KINDS
        .iter()
        .find_map(|(name, kind)| Some((*name, kind(text, at)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn data_is_replaced_by_its_kind() {
        for (input, expected) in [
            ("mail ana@example.org now", "mail <email> now"),
            ("see (https://example.org/a).", "see (<url>"),
            ("Example.COM and index.html", "<hostname> and index.html"),
            ("1-5759e988-bd862e3fe1be46a994272793", "<traceparent>"),
            ("id=123e4567-e89b-12d3-a456-426614174000!", "id=<uuid>!"),
            ("at 2025-11-03T10:20:30.5+02:00.", "at <date>."),
            ("Mon, 03 Nov 2025 10:20:30 GMT", "<date>"),
            ("Monday, 03-Nov-25 10:20:30 UTC", "<date>"),
            ("Mon Nov  3 10:20:30 2025", "<date>"),
            ("Mon Nov 03 2025 10:20:30 GMT+0200 (EET)", "<date>"),
            ("Jan 18, 2019 9:05 PM", "<date> <date>"),
            ("24:61", "<int>:<int>"),
            (
                "[::1]:80 fe80::1%eth0 2001:db8::/32",
                "[<ip>]:<int> <ip> <ip>",
            ),
            ("Foo::bar() and std::vector", "Foo::bar() and std::vector"),
            ("12ms 1.5s retry10s", "<duration> <duration> retry10s"),
            ("0xdead deadbeef face -123456789", "<hex> <hex> face <hex>"),
            ("a1b2c3d -3.14 1.2.3", "<git_sha> <float> <float>.<int>"),
            ("utf-8 x86_64 http2", "utf-<int> x86_<int> http2"),
            ("img_k9Mtd2gDcgG.jpg", "img_<random_id>.jpg"),
            ("k='5' ok=False 'ana'", "k=<quoted_str> ok=<bool> 'ana'"),
            ("naïve 5€ ünï7", "naïve <int>€ ünï7"),
        ] {
            assert_eq!(parameterize(input), expected, "{input}");
        }
    }

    #[test]
    fn long_hostile_texts_take_linear_time() {
        for piece in [
            "a",
            "1",
            "a.",
            "1:",
            "@",
            "a@",
            "-",
            "=\"",
            "0x",
            "datetime.datetime(",
        ] {
            let _ = parameterize(&piece.repeat(10_000 / piece.len()));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(input in "\\PC{0,60}") {
            let _ = parameterize(&input);
        }

        #[test]
        fn almost_data_never_panics(input in r#"[0-9a-fT:.@/x=_'"+ é%(),-]{0,60}"#) {
            let _ = parameterize(&input);
        }

        #[test]
        fn other_digits_give_the_same_message(n in 0u32..9_999_999, m in 0u32..9_999_999) {
            let message = |n: u32| parameterize(&format!("order {n} of customer-{n} failed (try {n})"));
            prop_assert_eq!(message(n), message(m));
        }
    }
}
