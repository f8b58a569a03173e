//! One look over a text that says which detectors can find anything in it at all.
//!
//! Most strings of an event hold no secret. An automaton of a few kilobytes reads each string once, notes which bytes
//! and which telling words it saw, and spares all detectors that need another.

use std::sync::LazyLock;

/// What was seen in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits {
    /// Bits of [`word`].
    pub(super) words: u8,
    /// Bits of [`byte`].
    pub(super) bytes: u16,
    /// How many digits there are.
    pub(super) digits: u32,
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
}

/// Kinds of bytes.
pub(super) mod byte {
    pub(in crate::scrub) const DIGIT: u16 = 1;
    pub(in crate::scrub) const UPPER: u16 = 2;
    pub(in crate::scrub) const AT: u16 = 4;
    pub(in crate::scrub) const SLASH: u16 = 8;
    pub(in crate::scrub) const COLON: u16 = 16;
    pub(in crate::scrub) const DASH: u16 = 32;
    pub(in crate::scrub) const DOT: u16 = 64;
    pub(in crate::scrub) const EQUALS: u16 = 128;
    pub(in crate::scrub) const NUL: u16 = 256;
}

const WORDS: [(&str, u8); 18] = [
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
];

impl Traits {
    /// Reads `text` once.
    pub(super) fn of(text: &str) -> Self {
        let scanner = &*SCANNER;
        let (mut words, mut bytes, mut digits, mut state) = (0, 0, 0, 0_u8);
        for byte in text.bytes() {
            let kind = &scanner.kinds[usize::from(byte)];
            bytes |= kind.bits;
            digits += u32::from(kind.bits & byte::DIGIT);
            state = scanner.next[usize::from(state)][usize::from(kind.letter)];
            words |= scanner.found[usize::from(state)];
        }
        Self {
            words,
            bytes,
            digits,
            length: text.len(),
        }
    }

    /// Whether any of the words was seen.
    pub(super) fn has_word(self, words: u8) -> bool {
        self.words & words != 0
    }

    /// Whether all of the kinds of bytes were seen.
    pub(super) fn has_bytes(self, bytes: u16) -> bool {
        self.bytes & bytes == bytes
    }
}

/// Letters `a` to `z`, then `-`, `_` and everything else.
const ALPHABET: usize = 29;
const OTHER: u8 = 28;

#[derive(Clone, Copy)]
struct ByteKind {
    letter: u8,
    bits: u16,
}

/// An Aho-Corasick automaton over [`WORDS`], case folded.
struct Scanner {
    kinds: [ByteKind; 256],
    next: Vec<[u8; ALPHABET]>,
    found: Vec<u8>,
}

static SCANNER: LazyLock<Scanner> = LazyLock::new(Scanner::new);

impl Scanner {
    fn new() -> Self {
        let mut kinds = [ByteKind {
            letter: OTHER,
            bits: 0,
        }; 256];
        for (kind, byte) in kinds.iter_mut().zip(0..=u8::MAX) {
            *kind = ByteKind {
                letter: letter(byte),
                bits: bits(byte),
            };
        }
        let mut scanner = Self {
            kinds,
            next: vec![[0; ALPHABET]],
            found: vec![0],
        };
        for (word, bit) in WORDS {
            let end = scanner.insert(word);
            scanner.found[end] |= bit;
        }
        scanner.link();
        scanner
    }

    /// Adds a word to the tree and returns its last state. State 0 is the root, and no edge leads there yet.
    fn insert(&mut self, word: &str) -> usize {
        word.bytes().fold(0, |state, byte| {
            let letter = usize::from(letter(byte));
            if self.next[state][letter] == 0 {
                self.next[state][letter] =
                    u8::try_from(self.next.len()).expect("fewer than 256 letters in all words");
                self.next.push([0; ALPHABET]);
                self.found.push(0);
            }
            usize::from(self.next[state][letter])
        })
    }

    /// Turns the tree into an automaton: a missing edge leads where the longest proper suffix leads.
    fn link(&mut self) {
        let mut suffix = vec![0_usize; self.next.len()];
        let mut queue: std::collections::VecDeque<usize> = self.next[0]
            .iter()
            .filter(|s| **s != 0)
            .map(|s| usize::from(*s))
            .collect();
        while let Some(state) = queue.pop_front() {
            let fallback = suffix[state];
            self.found[state] |= self.found[fallback];
            for letter in 0..ALPHABET {
                let along = self.next[fallback][letter];
                match usize::from(self.next[state][letter]) {
                    0 => self.next[state][letter] = along,
                    child => {
                        suffix[child] = usize::from(along);
                        queue.push_back(child);
                    }
                }
            }
        }
    }
}

fn letter(byte: u8) -> u8 {
    match byte.to_ascii_lowercase() {
        letter @ b'a'..=b'z' => letter - b'a',
        b'-' => 26,
        b'_' => 27,
        _ => OTHER,
    }
}

fn bits(byte: u8) -> u16 {
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
