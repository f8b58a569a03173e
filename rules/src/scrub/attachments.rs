//! Scrubs the bytes of attached files, which keep their length, so that whatever counts on places in them goes on to work.

use bugle_protocol::RuleName;

use super::Pass;
use super::config::Redaction;
use super::detect::Range;
use super::fired::Fired;
use super::hash;
use super::matcher::Step;
use super::rules::Rule;
use super::schema::{Class, Types, ValueType};
use super::traits::Traits;

/// Runs of fewer characters are taken for chance.
const SHORTEST_RUN: usize = 5;

/// Fills what a shorter text leaves.
const FILLER: char = '*';

/// How the text in a part of a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16,
}

/// Lets the rules at a file that select it by its name.
pub(super) fn scrub(pass: &Pass, name: &str, bytes: &mut [u8]) -> Vec<RuleName> {
    let mut fired = Fired::default();
    let mut states = vec![0; pass.matcher.words()];
    let steps = [
        (None, ValueType::Attachments),
        (Some(name), ValueType::Binary),
    ];
    for (key, ty) in steps {
        let types = Types::of(ty);
        let step = Step {
            key,
            index: None,
            types,
        };
        pass.matcher.enter(&mut states, step);
    }
    let state = &states[states.len() - pass.matcher.words()..];
    // Only rules that name the file, as of fields of this class.
    for rule in pass.rules(state, Class::Maybe) {
        if apply(rule, name, bytes) {
            fired.note(rule);
        }
    }
    fired.into_names()
}

/// Lets one rule at a file; says whether it found anything.
fn apply(rule: &Rule, name: &str, bytes: &mut [u8]) -> bool {
    if rule.detector.is_anything() || rule.detector.matches_key(name) {
        overwrite(bytes, Encoding::Utf8, &rule.redaction);
        return !bytes.is_empty();
    }
    let mut found: Vec<(Range, Encoding)> = Vec::new();
    let mut find = |start: usize, run: &str, encoding: Encoding| {
        if rule.detector.may_match(Traits::of(run)) {
            let ranges = rule.detector.find_in_file(run);
            found.extend(placed(start, run, &ranges, encoding).map(|range| (range, encoding)));
        }
    };
    utf8_runs(bytes, &mut find);
    // Without a zero byte there is no Latin letter in UTF-16.
    if bytes.contains(&0) {
        utf16_runs(bytes, 0, &mut find);
        utf16_runs(bytes, 1, &mut find);
    }
    let any = !found.is_empty();
    for ((start, end), encoding) in found {
        overwrite(&mut bytes[start..end], encoding, &rule.redaction);
    }
    any
}

/// Calls `found` with place and text of every run of characters.
fn utf8_runs(bytes: &[u8], found: &mut impl FnMut(usize, &str, Encoding)) {
    let mut start = 0;
    for chunk in bytes.utf8_chunks() {
        for run in chunk.valid().split(is_no_text) {
            if is_long(run) {
                found(start, run, Encoding::Utf8);
            }
            // What separates is one byte long; behind the last run nothing is.
            start += run.len() + 1;
        }
        start = start - 1 + chunk.invalid().len();
    }
}

/// Calls `found` with place and text of every run of little-endian UTF-16 from byte `start` on, if there is a Latin letter,
/// digit or blank in it: any bytes are UTF-16 of some kind.
fn utf16_runs(bytes: &[u8], start: usize, found: &mut impl FnMut(usize, &str, Encoding)) {
    let units = bytes[start..].chunks_exact(2);
    let units = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let (mut at, mut run_start, mut run) = (start, start, String::new());
    for decoded in char::decode_utf16(units).map(Some).chain([None]) {
        match decoded {
            Some(Ok(c)) if !is_no_text(c) => {
                run.push(c);
                at += 2 * c.len_utf16();
            }
            other => {
                if is_long(&run) && run.bytes().any(|byte| byte.is_ascii()) {
                    found(run_start, &run, Encoding::Utf16);
                }
                run.clear();
                at += 2 * other.and_then(Result::ok).map_or(1, char::len_utf16);
                run_start = at;
            }
        }
    }
}

/// All control characters that can be one byte are: the others are taken for text.
fn is_no_text(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r')
}

fn is_long(run: &str) -> bool {
    run.chars().nth(SHORTEST_RUN - 1).is_some()
}

/// The places in the file of ranges, in order, of a run that begins at `start`.
fn placed<'r>(
    start: usize,
    run: &'r str,
    ranges: &'r [Range],
    encoding: Encoding,
) -> impl Iterator<Item = Range> + use<'r> {
    let (mut read, mut at) = (0, start);
    let mut place_of = move |offset: usize| {
        let part = &run[read..offset];
        at += match encoding {
            Encoding::Utf8 => part.len(),
            Encoding::Utf16 => 2 * part.chars().map(char::len_utf16).sum::<usize>(),
        };
        read = offset;
        at
    };
    ranges.iter().map(move |(from, to)| {
        let start = place_of(*from);
        (start, place_of(*to))
    })
}

/// Puts in the place of `bytes` what a rule puts there, cut or filled to their length.
fn overwrite(bytes: &mut [u8], encoding: Encoding, redaction: &Redaction) {
    let text = match redaction {
        Redaction::Replace { text } => text.clone(),
        Redaction::Hash => hash::hmac_sha1(bytes),
        // A method of another version takes away what is found, to be safe.
        Redaction::Mask | Redaction::Default | Redaction::Remove | Redaction::Other => {
            String::new()
        }
    };
    let mut at = 0;
    for c in text.chars() {
        match write(&mut bytes[at..], c, encoding) {
            Some(length) => at += length,
            None => break,
        }
    }
    while let Some(length) = write(&mut bytes[at..], FILLER, encoding) {
        at += length;
    }
}

/// Writes a character to the beginning of `bytes`, if it fits, and returns its length in bytes.
fn write(bytes: &mut [u8], c: char, encoding: Encoding) -> Option<usize> {
    if encoding == Encoding::Utf8 {
        let place = bytes.get_mut(..c.len_utf8())?;
        return Some(c.encode_utf8(place).len());
    }
    let place = bytes.get_mut(..2 * c.len_utf16())?;
    let mut units = [0; 2];
    for (place, unit) in place.chunks_exact_mut(2).zip(c.encode_utf16(&mut units)) {
        place.copy_from_slice(&unit.to_le_bytes());
    }
    Some(2 * c.len_utf16())
}
