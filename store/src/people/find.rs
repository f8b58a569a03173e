//! Finds an identifier in bytes, as a whole word or as a part of one.

use std::net::{IpAddr, SocketAddr};

use super::address::{self, parse_ip, spellings};
use super::folding::{find_folded, find_ignoring_case, fold};
use super::is_email;

/// Endings of names of files that no host has: `ada@example.com.csv` is a file, `ada@example.com.au` somebody else.
const ENDINGS: [&str; 28] = [
    "bak", "bmp", "bz2", "csv", "doc", "docx", "eml", "gif", "gz", "htm", "html", "jpeg", "jpg",
    "json", "jsonl", "log", "ods", "odt", "pdf", "png", "sql", "tar", "tmp", "txt", "xls", "xlsx",
    "xml", "yaml",
];

/// How case matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Exact,
    /// Letters of ASCII have none.
    Ascii,
    /// No letter has.
    Unicode,
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finder {
    /// Lower-case where case does not matter; the longest first.
    needles: Vec<String>,
    /// What all of them begin with, if that is something: where it is not, none of them is.
    head: Option<String>,
    case: Case,
    /// What must not stand beside it, though it is no letter or digit.
    neighbours: &'static [u8],
    is_email: bool,
    ip: Option<IpAddr>,
}

/// From the first byte to behind the last one.
pub(super) type Place = (usize, usize);

impl Finder {
    pub(super) fn new(text: &str, ip: Option<IpAddr>) -> Self {
        let is_email = is_email(text);
        let case = match (is_email, text.is_ascii()) {
            (true, false) => Case::Unicode,
            (false, _) if ip.is_none() => Case::Exact,
            _ => Case::Ascii,
        };
        let mut needles = spellings(text, ip);
        match case {
            Case::Exact => {}
            Case::Ascii => needles
                .iter_mut()
                .for_each(|needle| needle.make_ascii_lowercase()),
            Case::Unicode => {
                needles.push(address::percent_encoded(&text.to_uppercase()).to_lowercase());
                needles.iter_mut().for_each(|needle| *needle = fold(needle));
            }
        }
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self {
            head: common_head(&needles),
            needles,
            case,
            neighbours: match (is_email, ip) {
                (true, _) => b".-+",
                (_, Some(IpAddr::V6(_))) => b":",
                (_, Some(_)) => b".",
                _ => b"",
            },
            is_email,
            ip,
        }
    }

    /// Whether the identifier is somewhere in these bytes, be it a part of a longer word.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        let head = self.head.as_ref().filter(|_| self.ip.is_none());
        if head.is_some_and(|head| self.find(bytes, head, 0).is_none()) {
            return false;
        }
        self.needles
            .iter()
            .any(|needle| self.find(bytes, needle, 0).is_some())
            || self.next_address(bytes, 0).is_some()
    }

    /// Whether the identifier is a part of something longer that may, or may not, mean the person.
    pub(super) fn is_near(&self, bytes: &[u8]) -> bool {
        self.ip.is_none()
            && self.needles.iter().any(|needle| {
                let mut at = 0;
                while let Some((start, end)) = self.find(bytes, needle, at) {
                    let stands_alone = is_begin(&bytes[..start]) && is_end(&bytes[end..]);
                    if stands_alone && !self.is_whole(bytes, start, end) {
                        return true;
                    }
                    at = start + 1;
                }
                false
            })
    }

    /// Where a needle is next, as a whole word, at or behind `from`.
    fn next(&self, text: &[u8], needle: &str, from: usize) -> Option<Place> {
        let mut at = from;
        loop {
            let (start, end) = self.find(text, needle, at)?;
            if self.is_whole(text, start, end) {
                return Some((start, end));
            }
            at = start + 1;
        }
    }

    /// Where a needle is next, as a part of a word or not.
    fn find(&self, text: &[u8], needle: &str, from: usize) -> Option<Place> {
        let bytes = needle.as_bytes();
        match self.case {
            Case::Exact => {
                let at = from + memchr::memmem::find(text.get(from..)?, bytes)?;
                Some((at, at + bytes.len()))
            }
            Case::Unicode if !needle.is_ascii() => find_folded(text, needle, from),
            Case::Ascii | Case::Unicode => {
                let at = find_ignoring_case(text, bytes, from)?;
                Some((at, at + bytes.len()))
            }
        }
    }

    fn is_whole(&self, text: &[u8], start: usize, end: usize) -> bool {
        let (before, after) = (&text[..start], &text[end..]);
        let begins = match before {
            bytes if is_escape(bytes) => true,
            [.., far, near] if self.neighbours.contains(near) => !is_word(*far),
            _ => !matches!(before, [.., near] if is_word(*near)),
        };
        let ends = match after {
            [b'.', name @ ..] if self.is_email && is_ending(name) => true,
            [near, far, ..] if self.neighbours.contains(near) => !is_word(*far),
            _ => !matches!(after, [near, ..] if is_word(*near)),
        };
        begins && ends
    }

    /// Where the IP address is next, however it is written.
    fn next_address(&self, text: &[u8], from: usize) -> Option<Place> {
        let wanted = self.ip?;
        let mut at = from;
        loop {
            let start = at
                + text
                    .get(at..)?
                    .iter()
                    .position(|byte| is_of_address(*byte))?;
            let length = text[start..]
                .iter()
                .take_while(|byte| is_of_address(**byte));
            let end = start + length.count();
            if let Some((from, to)) = address_in(&text[start..end], wanted) {
                let (from, to) = (start + from, start + to);
                // What was left out of the run at a side is a boundary already.
                let begins = from > start || is_begin(&text[..start]) && !ends_word(&text[..start]);
                let ends = to < end || !matches!(text[end..], [near, ..] if is_word(near));
                if begins && ends {
                    return Some((from, to));
                }
            }
            at = end;
        }
    }
}

/// The letters of ASCII that all needles begin with.
fn common_head(needles: &[String]) -> Option<String> {
    let (first, others) = needles.split_first()?;
    let same = |at: &usize| {
        let byte = first.as_bytes()[*at];
        byte.is_ascii()
            && others
                .iter()
                .all(|one| one.as_bytes().get(*at) == Some(&byte))
    };
    let length = (0..first.len()).take_while(same).count();
    (length > 0).then(|| first[..length].to_owned())
}

/// Whether the bytes end in a word, apart from the end of an escape.
fn ends_word(before: &[u8]) -> bool {
    !is_escape(before) && matches!(before, [.., near] if is_word(*near))
}

/// The place of an address in a run of digits, dots and colons: colons and dots of the sentence may stand around it, and a
/// port behind it.
fn address_in(run: &[u8], wanted: IpAddr) -> Option<Place> {
    // The longest one in the longest words.
    if !(3..=64).contains(&run.len()) {
        return None;
    }
    let run = std::str::from_utf8(run).ok()?;
    let is = |text: &str| parse_ip(text) == Some(wanted);
    let heads = [
        0,
        usize::from(run.starts_with(':') && !run.starts_with("::")),
    ];
    for from in heads {
        let text = &run[from..];
        let bare = text.trim_end_matches('.');
        let colon = bare.strip_suffix(':').unwrap_or(bare);
        for one in [text, bare, colon] {
            if is(one) {
                return Some((from, from + one.len()));
            }
        }
        if let Ok(SocketAddr::V4(with_port)) = bare.parse::<SocketAddr>()
            && IpAddr::V4(*with_port.ip()) == wanted
        {
            return Some((from, from + bare.find(':')?));
        }
    }
    None
}

fn is_of_address(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b':' || byte == b'.'
}

/// A walk over the places of a text where the identifier is; each needle goes over the text once.
pub(super) struct Places<'m> {
    finder: &'m Finder,
    text: &'m [u8],
    /// Where each needle is next; the last one is the address.
    next: Vec<Option<Place>>,
}

impl<'m> Places<'m> {
    pub(super) fn new(finder: &'m Finder, text: &'m [u8]) -> Self {
        let next = |needle: &String| finder.next(text, needle, 0);
        let mut next: Vec<_> = finder.needles.iter().map(next).collect();
        next.push(finder.next_address(text, 0));
        Self { finder, text, next }
    }

    /// The first place at or behind `from`; of two that begin there, the longer one.
    pub(super) fn next(&mut self, from: usize) -> Option<Place> {
        let (finder, text) = (self.finder, self.text);
        for (number, place) in self.next.iter_mut().enumerate() {
            if place.is_some_and(|(start, _)| start < from) {
                *place = match finder.needles.get(number) {
                    Some(needle) => finder.next(text, needle, from),
                    None => finder.next_address(text, from),
                };
            }
        }
        let places = self.next.iter().flatten();
        places
            .min_by_key(|(start, end)| (*start, usize::MAX - end))
            .copied()
    }
}

/// The escapes of addresses, and those of a JSON text within a text.
fn is_escape(bytes: &[u8]) -> bool {
    match bytes {
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'\\', b'u', a, b, c, d] => [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit),
        _ => false,
    }
}

fn is_begin(before: &[u8]) -> bool {
    is_escape(before) || !matches!(before, [.., near] if is_letter(*near))
}

fn is_end(after: &[u8]) -> bool {
    !matches!(after, [near, ..] if is_letter(*near))
}

fn is_ending(name: &[u8]) -> bool {
    let length = name.iter().take_while(|byte| is_word(**byte)).count();
    let (ending, rest) = name.split_at(length);
    let is_last = !matches!(rest, [b'@', ..] | [b'.' | b'-', _, ..] if rest.get(1).is_none_or(|far| is_word(*far)));
    is_last
        && ENDINGS
            .iter()
            .any(|one| one.as_bytes().eq_ignore_ascii_case(ending))
}

/// A byte of a letter that is not ASCII counts as one, too.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

fn is_word(byte: u8) -> bool {
    is_letter(byte) || byte == b'_'
}
