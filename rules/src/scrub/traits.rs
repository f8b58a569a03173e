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

/// Kinds of bytes, above the letters of [`PREFIXES`].
pub(super) mod byte {
    pub(in crate::scrub) const DIGIT: u64 = 1 << 52;
    pub(in crate::scrub) const UPPER: u64 = 1 << 53;
    pub(in crate::scrub) const AT: u64 = 1 << 54;
    pub(in crate::scrub) const SLASH: u64 = 1 << 55;
    pub(in crate::scrub) const COLON: u64 = 1 << 56;
    pub(in crate::scrub) const DASH: u64 = 1 << 57;
    pub(in crate::scrub) const DOT: u64 = 1 << 58;
    pub(in crate::scrub) const EQUALS: u64 = 1 << 59;
    pub(in crate::scrub) const NUL: u64 = 1 << 60;
}

/// Beginnings of three or four letters, and the words that begin so.
type Prefix = (&'static str, &'static [(&'static str, u8)]);

const PREFIXES: [Prefix; 13] = [
    (
        "pass",
        &[("password", word::SECRET), ("passwd", word::SECRET)],
    ),
    ("secr", &[("secret", word::SECRET)]),
    (
        "api",
        &[
            ("api_key", word::SECRET),
            ("api-key", word::SECRET),
            ("apikey", word::SECRET),
        ],
    ),
    ("auth", &[("auth", word::SECRET)]),
    ("cred", &[("credentials", word::SECRET)]),
    ("mysq", &[("mysql_pwd", word::SECRET)]),
    (
        "priv",
        &[
            ("privatekey", word::SECRET),
            ("private_key", word::SECRET),
            ("private-key", word::SECRET),
        ],
    ),
    ("toke", &[("token", word::TOKEN)]),
    ("bear", &[("bearer", word::BEARER)]),
    ("otp", &[("otp", word::ALONE)]),
    (
        "two",
        &[("two_factor", word::ALONE), ("two-factor", word::ALONE)],
    ),
    ("----", &[("-----begin", word::PEM)]),
    ("eyj", &[("eyj", word::JWT)]),
];

impl Traits {
    /// Reads `text` once; again if a word seems to begin in it.
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (seen, is_telling) = look(bytes);
        let words = match is_telling {
            true => words_in(bytes),
            false => 0,
        };
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

/// The words in a text, for who wants nothing else.
pub(super) fn words_of(text: &str) -> u8 {
    let bytes = text.as_bytes();
    match look(bytes) {
        (_, true) => words_in(bytes),
        (_, false) => 0,
    }
}

/// The kinds of bytes in a text, and whether it holds a prefix.
fn look(bytes: &[u8]) -> (u64, bool) {
    let mut lane = Lane::new();
    if bytes.len() < WORTH_SPLITTING {
        bytes.iter().for_each(|byte| lane.step(*byte));
        return (lane.kinds(), lane.has_ended());
    }
    // Each byte waits for the one before it, so two halves are read at once. A prefix that lies in both is found in the
    // second one.
    let middle = bytes.len() / 2;
    let (front, back) = (&bytes[..middle], &bytes[middle - (LONGEST_PREFIX - 1)..]);
    let mut other = Lane::new();
    for (byte, other_byte) in front.iter().zip(back) {
        lane.step(*byte);
        other.step(*other_byte);
    }
    back[middle..].iter().for_each(|byte| other.step(*byte));
    (
        lane.kinds() | other.kinds(),
        lane.has_ended() || other.has_ended(),
    )
}

/// The words in a text that holds a prefix.
#[cold]
fn words_in(bytes: &[u8]) -> u8 {
    let (mut lane, mut words) = (Lane::new(), 0);
    for (end, byte) in bytes.iter().enumerate() {
        lane.step(*byte);
        let mut ended = !lane.letters & ENDS;
        while ended != 0 {
            let (prefix, begun) =
                PREFIXES[ended.trailing_zeros() as usize - (LONGEST_PREFIX - 1) * PREFIXES.len()];
            let text = &bytes[end + 1 - prefix.len()..];
            words |= begun
                .iter()
                .filter(|(word, _)| begins_with(text, word))
                .fold(0, |words, (_, bit)| words | bit);
            ended &= ended - 1;
        }
    }
    words
}

fn begins_with(text: &[u8], word: &str) -> bool {
    let begin = text.get(..word.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
}

/// Reads bytes and looks for all prefixes at once.
///
/// Each letter of each prefix has a bit: first those of the first letters, then those of the second ones and so on, so
/// that a shift by their number moves each to its successor and lets in zeros. A bit is zero while the bytes read end with
/// the prefix up to its letter. What has three letters begins with one that all bytes match.
#[derive(Clone, Copy)]
struct Lane {
    letters: u64,
    /// Zero where a bit was zero once.
    ended: u64,
    /// Zero where a byte was of that kind.
    kinds: u64,
}

impl Lane {
    const fn new() -> Self {
        Self {
            letters: !SHORT,
            ended: !0,
            kinds: !0,
        }
    }

    #[inline]
    fn step(&mut self, byte: u8) {
        let mask = MASKS[usize::from(byte)];
        self.letters = (self.letters << PREFIXES.len()) | mask;
        self.ended &= self.letters;
        self.kinds &= mask;
    }

    fn kinds(self) -> u64 {
        !self.kinds & KINDS
    }

    fn has_ended(self) -> bool {
        !self.ended & ENDS != 0
    }
}

/// Texts that are shorter are read in one go.
const WORTH_SPLITTING: usize = 32;

const LONGEST_PREFIX: usize = 4;

/// The bits of all letters of one place.
const PLACE: u64 = (1 << PREFIXES.len()) - 1;
/// The bits of the last letters.
const ENDS: u64 = PLACE << ((LONGEST_PREFIX - 1) * PREFIXES.len());
const KINDS: u64 = !((1 << (LONGEST_PREFIX * PREFIXES.len())) - 1);

/// The bits that stand before prefixes of three letters.
const SHORT: u64 = {
    let (mut prefix, mut short) = (0, 0);
    while prefix < PREFIXES.len() {
        if PREFIXES[prefix].0.len() < LONGEST_PREFIX {
            short |= 1 << prefix;
        }
        prefix += 1;
    }
    short
};

/// For each byte zeros where it is a letter of a prefix, and for the kinds it is of.
static MASKS: [u64; 256] = masks();

const fn masks() -> [u64; 256] {
    let mut masks = [!SHORT; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        masks[byte as usize] &= !kind(byte);
        byte -= 1;
    }
    masks[0] &= !kind(0);
    let mut prefix = 0;
    while prefix < PREFIXES.len() {
        let letters = PREFIXES[prefix].0.as_bytes();
        let mut i = 0;
        while i < letters.len() {
            let place = LONGEST_PREFIX - letters.len() + i;
            let bit = 1 << (place * PREFIXES.len() + prefix);
            masks[letters[i] as usize] &= !bit;
            masks[letters[i].to_ascii_uppercase() as usize] &= !bit;
            i += 1;
        }
        prefix += 1;
    }
    masks
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
    use proptest::prelude::*;

    use super::*;

    fn words() -> impl Iterator<Item = (&'static str, u8)> {
        PREFIXES.iter().flat_map(|(_, words)| words.iter().copied())
    }

    /// What [`Traits::of`] tells, looked for one after the other.
    fn one_by_one(text: &str) -> (u8, u64) {
        let lower = text.to_ascii_lowercase();
        let found = words().filter(|(word, _)| lower.contains(word));
        (
            found.fold(0, |words, (_, bit)| words | bit),
            text.bytes().fold(0, |kinds, byte| kinds | kind(byte)),
        )
    }

    proptest! {
        #[test]
        fn what_is_seen_at_once_is_what_is_found_one_by_one(
            text in "(?i)(password|passwd|secret|api[_-]?key|auth|credentials|mysql_pwd|private[_-]?key|token|bearer|otp\
                |two[_-]factor|-----begin|eyj|pas|secr|ap|aut|cre|[a-z_é@/:.=\\\\\x000-9-]{0,9}){0,12}",
        ) {
            for from in (0..text.len().min(8)).filter(|from| text.is_char_boundary(*from)) {
                let traits = Traits::of(&text[from..]);
                prop_assert_eq!(traits.words, words_of(&text[from..]));
                prop_assert_eq!((traits.words, traits.bytes), one_by_one(&text[from..]), "{:?}", &text[from..]);
            }
        }
    }

    #[test]
    fn every_word_has_its_prefix_and_the_bits_do_not_meet() {
        for (prefix, words) in PREFIXES {
            assert!((LONGEST_PREFIX - 1..=LONGEST_PREFIX).contains(&prefix.len()));
            assert!(words.iter().all(|(word, _)| word.starts_with(prefix)));
        }
        assert_eq!(KINDS & byte::DIGIT, byte::DIGIT);
    }

    #[test]
    fn finds_words_in_any_case_anywhere() {
        for (word, bit) in words() {
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
