//! Changes inputs as broken clients, broken wires and attackers do, the same way for the same number.

mod bytes;
mod envelope;
mod json;
mod random;

use bugle_protocol::json::Json;

use random::Random;

/// Longer inputs are cut: what grows with the input is bounded elsewhere, and few large inputs would cost many small ones.
const MAX_INPUT_BYTES: usize = 128 * 1024;

/// The dictionary in the form of AFL and libFuzzer, which read the same file.
const DICTIONARY: &str = include_str!("../../dictionary.txt");

/// Makes inputs out of seeds.
#[derive(Debug)]
pub struct Mutator {
    seeds: Vec<Vec<u8>>,
    /// Those seeds that are JSON, as trees; empty if inputs are only changed as bytes.
    trees: Vec<Json<'static>>,
    /// Those seeds that are envelopes; empty if inputs are not changed as such.
    envelopes: Vec<envelope::Lines>,
    /// Names of members that occur in the trees.
    keys: Vec<String>,
    words: Vec<Vec<u8>>,
    seed: u64,
}

impl Mutator {
    /// A mutator of bytes.
    ///
    /// # Panics
    /// If there are no seeds.
    #[must_use]
    pub fn of_bytes(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        assert!(!seeds.is_empty(), "nothing to start from");
        Self {
            seeds,
            trees: Vec::new(),
            envelopes: Vec::new(),
            keys: Vec::new(),
            words: words(),
            seed,
        }
    }

    /// A mutator that also changes the seeds as JSON trees, three times out of four.
    ///
    /// # Panics
    /// If there are no seeds.
    #[must_use]
    pub fn of_json(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        let trees: Vec<_> = seeds
            .iter()
            .filter_map(|seed| Some(bugle_protocol::json::parse(seed).ok()?.into_owned()))
            .collect();
        let mut keys = Vec::new();
        trees.iter().for_each(|tree| json::keys(tree, &mut keys));
        keys.sort();
        keys.dedup();
        Self {
            trees,
            keys,
            ..Self::of_bytes(seeds, seed)
        }
    }

    /// A mutator of envelopes, every fourth of which is changed as bytes and hardly one any more.
    ///
    /// # Panics
    /// If there are no seeds.
    #[must_use]
    pub fn of_envelopes(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        let envelopes: Vec<_> = seeds
            .iter()
            .filter_map(|seed| envelope::Lines::of(seed))
            .collect();
        let payloads = envelopes.iter().flat_map(envelope::Lines::payloads);
        let of_payloads = Self::of_json(payloads.collect(), seed);
        Self {
            seeds,
            envelopes,
            ..of_payloads
        }
    }

    /// The input of a number; the first numbers give the seeds as they are.
    #[must_use]
    pub fn input(&self, number: u64) -> Vec<u8> {
        let first = usize::try_from(number).ok();
        if let Some(seed) = first.and_then(|number| self.seeds.get(number)) {
            return seed.clone();
        }
        let mut random = Random::new(self.seed, number);
        let knows_shape = !self.trees.is_empty();
        let mut input = match random.below(4) {
            1.. if !self.envelopes.is_empty() => self.envelope(&mut random),
            1.. if knows_shape => self.text_of_tree(&mut random),
            _ => self.changed(random.pick::<Vec<u8>>(&self.seeds), &mut random),
        };
        input.truncate(MAX_INPUT_BYTES);
        input
    }

    fn changed(&self, input: &[u8], random: &mut Random) -> Vec<u8> {
        let mut input = input.to_vec();
        bytes::mutate(&mut input, &self.seeds, &self.words, random);
        input
    }

    /// A changed tree as text, which is changed a second time now and then.
    fn text_of_tree(&self, random: &mut Random) -> Vec<u8> {
        let tree = json::mutated(&self.trees, &self.keys, &self.words, random);
        let text = bugle_protocol::json::to_string(&tree).into_bytes();
        match random.below(4) {
            0 => self.changed(&text, random),
            _ => text,
        }
    }

    fn envelope(&self, random: &mut Random) -> Vec<u8> {
        envelope::mutated(&self.envelopes, random, |payload, random| {
            match random.below(2) {
                0 => self.changed(payload, random),
                _ => self.text_of_tree(random),
            }
        })
    }

    /// Hands `count` inputs to `run`; shows the one in which it panics.
    pub fn for_each_input(&self, count: u64, run: impl Fn(&[u8])) {
        for number in 0..count {
            let input = Shown(number, self.input(number));
            run(&input.1);
        }
    }
}

/// Shows an input if a test fails with it.
struct Shown(u64, Vec<u8>);

impl Drop for Shown {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("input {}: b\"{}\"", self.0, self.1.escape_ascii());
        }
    }
}

/// The words between the quotes of the dictionary's lines.
fn words() -> Vec<Vec<u8>> {
    DICTIONARY
        .lines()
        .filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'))
        .map(unescape)
        .collect()
}

/// Undoes `\"`, `\\` and `\xAB`.
fn unescape(word: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = word.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        match (first, behind) {
            (b'\\', [b'x', a, b, behind @ ..]) if hex(&[*a, *b]).is_some() => {
                bytes.extend(hex(&[*a, *b]));
                rest = behind;
            }
            (b'\\', [escaped, behind @ ..]) => {
                bytes.push(*escaped);
                rest = behind;
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}
