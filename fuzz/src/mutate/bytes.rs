//! Changes of bytes: flips, cuts, splices, repetitions, wrong numbers.

use super::random::Random;

/// Bytes that mean something to some parser.
const BYTES: &[u8] = b"\0\n\r\t \"'\\{}[]:,;=%&*-+.0/<>\x1b\x7f\x80\xbf\xc0\xe2\xf0\xff";

/// Texts of numbers at the borders of what types hold.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "127",
    "255",
    "256",
    "65535",
    "65536",
    "2147483648",
    "4294967295",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "1e308",
    "1e999",
    "-0.0",
    "5e-324",
    "00",
    "0x1",
    "1.7976931348623157e308",
    "253402300800",
    "62135596800",
];

/// Applies some changes, mostly few.
pub(super) fn mutate(
    input: &mut Vec<u8>,
    seeds: &[Vec<u8>],
    words: &[Vec<u8>],
    random: &mut Random,
) {
    let changes = 1 << random.below(5);
    for _ in 0..changes {
        change(input, seeds, words, random);
        if input.len() > super::MAX_INPUT_BYTES {
            return;
        }
    }
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(14) {
        0 => flip(input, at, random),
        1 => set(input, at, *random.pick(BYTES)),
        2 => insert(input, at, &[*random.pick(BYTES)]),
        3 => input.truncate(at),
        4 => drop(input.drain(random.range(input.len()))),
        5 => {
            let part = input[random.range(input.len())].to_vec();
            insert(input, at, &part.repeat(1 << random.below(7)));
        }
        6 | 7 => insert(input, at, random.pick::<Vec<u8>>(words)),
        8 | 9 => change_number(input, random),
        10 => {
            let other = random.pick(seeds);
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        11 => {
            let other = random.pick(seeds);
            insert(input, at, &other[random.range(other.len())]);
        }
        12 => nest(input, at, random),
        _ => overwrite(input, at, random),
    }
}

fn flip(input: &mut [u8], at: usize, random: &mut Random) {
    if let Some(byte) = input.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

fn set(input: &mut [u8], at: usize, value: u8) {
    if let Some(byte) = input.get_mut(at) {
        *byte = value;
    }
}

fn insert(input: &mut Vec<u8>, at: usize, part: &[u8]) {
    input.splice(at..at, part.iter().copied());
}

/// Puts another number in the place of one that is written there: lengths, times, line numbers.
fn change_number(input: &mut Vec<u8>, random: &mut Random) {
    let from = random.below(input.len() + 1);
    let Some(start) = input[from..].iter().position(u8::is_ascii_digit) else {
        return;
    };
    let start = from + start;
    let digits = input[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let end = start + digits.count();
    let number = random.pick(NUMBERS).as_bytes();
    input.splice(start..end, number.iter().copied());
}

/// Opens lists or objects, and closes all, some or none of them.
fn nest(input: &mut Vec<u8>, at: usize, random: &mut Random) {
    let depth = 1 << random.below(10);
    let (open, close) = *random.pick(&[
        ("[", "]"),
        ("{\"a\":", "}"),
        ("(", ")"),
        ("{\"values\":[", "]}"),
    ]);
    let end = at + random.below(input.len() - at + 1);
    let closed = random.below(3).min(1) * depth;
    insert(input, end, close.repeat(closed).as_bytes());
    insert(input, at, open.repeat(depth).as_bytes());
}

/// Writes a binary number of 1 to 8 bytes over what is there.
fn overwrite(input: &mut [u8], at: usize, random: &mut Random) {
    let number = match random.below(4) {
        0 => random.next(),
        1 => u64::MAX >> random.below(64),
        2 => 1 << random.below(64),
        _ => u64::try_from(input.len()).unwrap_or_default(),
    };
    let len = 1 << random.below(4);
    let bytes = if random.below(2) == 0 {
        number.to_le_bytes()
    } else {
        (number << (64 - 8 * len)).to_be_bytes()
    };
    for (byte, value) in input[at..].iter_mut().zip(&bytes[..len]) {
        *byte = *value;
    }
}
