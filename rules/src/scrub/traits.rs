//! One look over a text that says which detectors can find anything in it at all.
//!
//! Most strings of an event hold no secret. Each is read once, with one table look-up for each byte, which notes the kinds
//! of bytes and the telling words in it and spares all detectors that need others.

/// What was seen in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits {
    /// Bits of [`word`].
    pub(super) words: u8,
    /// Bits of [`byte`].
    pub(super) bytes: u64,
    /// How many digits there are.
    pub(super) digits: usize,
    /// Length in bytes.
    pub(super) length: usize,
}

/// Words, in any case.
pub(super) mod word {
    /// A word that makes its key or text a secret.
    pub(in crate::scrub) const SECRET: u8 = 1;
    /// `token`.
    pub(in crate::scrub) const TOKEN: u8 = 2;
    /// `bearer`.
    pub(in crate::scrub) const BEARER: u8 = 4;
    /// A word that is a secret only if it is the whole text.
    pub(in crate::scrub) const ALONE: u8 = 8;
    /// The beginning of a PEM block.
    pub(in crate::scrub) const PEM: u8 = 16;
    /// The beginning of a JSON web token.
    pub(in crate::scrub) const JWT: u8 = 32;
}

/// Kinds of bytes, above the bits of [`PREFIXES`].
pub(super) mod byte {
    pub(in crate::scrub) const DIGIT: u64 = 1 << 48;
    pub(in crate::scrub) const UPPER: u64 = 1 << 49;
    pub(in crate::scrub) const AT: u64 = 1 << 50;
    pub(in crate::scrub) const SLASH: u64 = 1 << 51;
    pub(in crate::scrub) const COLON: u64 = 1 << 52;
    pub(in crate::scrub) const DASH: u64 = 1 << 53;
    pub(in crate::scrub) const DOT: u64 = 1 << 54;
    pub(in crate::scrub) const EQUALS: u64 = 1 << 55;
    pub(in crate::scrub) const NUL: u64 = 1 << 56;
}

const WORDS: [(&str, u8); 19] = [
    ("password", word::SECRET),
    ("secret", word::SECRET),
    ("passwd", word::SECRET),
    ("api_key", word::SECRET),
    ("api-key", word::SECRET),
    ("apikey", word::SECRET),
    ("auth", word::SECRET),
    ("credentials", word::SECRET),
    ("mysql_pwd", word::SECRET),
    ("privatekey", word::SECRET),
    ("private_key", word::SECRET),
    ("private-key", word::SECRET),
    ("token", word::TOKEN),
    ("bearer", word::BEARER),
    ("otp", word::ALONE),
    ("two_factor", word::ALONE),
    ("two-factor", word::ALONE),
    ("-----begin", word::PEM),
    ("eyj", word::JWT),
];

impl Traits {
    /// Reads `text` once.
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (mut seen, mut state, mut words) = (0, 0, 0);
        for (i, byte) in bytes.iter().enumerate() {
            let mask = MASKS[usize::from(*byte)];
            seen |= mask;
            state = ((state << 1) | STARTS) & mask;
            if state & ENDS != 0 {
                words |= words_at(bytes, i);
            }
        }
        let digits = match seen & byte::DIGIT {
            0 => 0,
            _ => bytes.iter().filter(|byte| byte.is_ascii_digit()).count(),
        };
        Self {
            words,
            bytes: seen,
            digits,
            length: bytes.len(),
        }
    }

    /// Whether any of the words was seen.
    pub(super) fn has_word(self, words: u8) -> bool {
        self.words & words != 0
    }

    /// Whether all of the kinds of bytes were seen.
    pub(super) fn has_bytes(self, bytes: u64) -> bool {
        self.bytes & bytes == bytes
    }
}

/// The words of which a prefix ends at `end`. A text may be nothing but prefixes, so it is found out first which one it is.
#[cold]
fn words_at(bytes: &[u8], end: usize) -> u8 {
    let mut seen = 0;
    for prefix in PREFIXES {
        let start = (end + 1).checked_sub(prefix.len());
        let Some(text) = start.map(|start| &bytes[start..]) else {
            continue;
        };
        let begins_with = |word: &str| {
            let begin = text.get(..word.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
        };
        if begins_with(prefix) {
            let words = WORDS.iter().filter(|(word, _)| word.starts_with(prefix));
            let words = words.filter(|(word, _)| begins_with(word));
            seen |= words.fold(0, |seen, (_, bit)| seen | bit);
        }
    }
    seen
}

/// Beginnings of all words, searched at once: each letter is a bit, set while the text ends with the prefix up to it.
const PREFIXES: [&str; 13] = [
    "pass", "secr", "api", "auth", "cred", "mysq", "priv", "toke", "bear", "otp", "two", "----",
    "eyj",
];

/// For each byte the letters of the prefixes it is, and the kinds it is of.
static MASKS: [u64; 256] = masks();
const STARTS: u64 = letters(true);
const ENDS: u64 = letters(false);

const fn masks() -> [u64; 256] {
    let mut masks = [0; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        masks[byte as usize] = kind(byte);
        byte -= 1;
    }
    masks[0] = kind(0);
    let (mut word, mut bit) = (0, 0);
    while word < PREFIXES.len() {
        let prefix = PREFIXES[word].as_bytes();
        let mut i = 0;
        while i < prefix.len() {
            masks[prefix[i] as usize] |= 1 << bit;
            masks[prefix[i].to_ascii_uppercase() as usize] |= 1 << bit;
            (i, bit) = (i + 1, bit + 1);
        }
        word += 1;
    }
    masks
}

/// The first or the last letter of every prefix.
const fn letters(first: bool) -> u64 {
    let (mut word, mut bit, mut letters) = (0, 0, 0);
    while word < PREFIXES.len() {
        let length = PREFIXES[word].len();
        letters |= 1 << if first { bit } else { bit + length - 1 };
        (word, bit) = (word + 1, bit + length);
    }
    letters
}

const fn kind(byte: u8) -> u64 {
    match byte {
        b'0'..=b'9' => byte::DIGIT,
        b'A'..=b'Z' => byte::UPPER,
        b'@' => byte::AT,
        b'/' | b'\\' => byte::SLASH,
        b':' => byte::COLON,
        b'-' => byte::DASH,
        b'.' => byte::DOT,
        b'=' => byte::EQUALS,
        0 => byte::NUL,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_prefix_and_the_bits_do_not_meet() {
        for (word, _) in WORDS {
            assert!(
                PREFIXES.iter().any(|prefix| word.starts_with(prefix)),
                "{word}"
            );
        }
        let letters: usize = PREFIXES.iter().map(|prefix| prefix.len()).sum();
        assert!(1_u64 << letters <= byte::DIGIT);
    }

    #[test]
    fn finds_words_in_any_case_anywhere() {
        for (word, bit) in WORDS {
            for text in [
                word.to_owned(),
                word.to_uppercase(),
                format!("x{word}é"),
                format!("papipass{word}pas"),
            ] {
                assert!(Traits::of(&text).has_word(bit), "{text}");
                let broken = text.to_lowercase().replace(word, &word[1..]);
                assert!(
                    !Traits::of(&broken).has_word(bit) || broken.contains(word),
                    "{broken}"
                );
            }
        }
        assert_eq!(Traits::of("pas swor d, se cret, a-pi key").words, 0);
    }

    #[test]
    fn counts_digits_and_notes_bytes() {
        let traits = Traits::of("A1-2.3");
        assert_eq!((traits.digits, traits.length), (3, 6));
        assert!(traits.has_bytes(byte::UPPER | byte::DASH | byte::DOT));
        assert!(!traits.has_bytes(byte::COLON));
    }
}
