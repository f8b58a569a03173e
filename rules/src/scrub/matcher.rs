//! Matches the path of every value against all selectors at once.
//!
//! Each path pattern is a row of bits, one per item, and a bit is set while the walk stands on a value whose path ends
//! with the pattern up to that item. Entering a value shifts the bits by one and keeps those whose item the value
//! matches, so that a step costs a few instructions however many selectors there are. `**` keeps its own bit set.

use super::schema::{Class, Types, ValueType};
use super::selector::{PathItem, Selector};

/// Keys up to this length are found by their length.
const LONGEST_COMMON_KEY: usize = 64;

/// All selectors of a scrubber, compiled.
#[derive(Clone, Debug, Default)]
pub(super) struct Matcher {
    /// Bits that may be set without a predecessor: the first item of each pattern.
    first: Vec<u64>,
    /// `**`: bits that stay.
    deep: Vec<u64>,
    /// `*` and `**`: bits that any value matches.
    any: Vec<u64>,
    types: Vec<Vec<u64>>,
    /// Keys in lower case, by length in bytes.
    keys: Vec<Vec<(Box<str>, Vec<u64>)>>,
    /// The [`ends`] of all keys of a length: what few other keys share.
    ends: Vec<u64>,
    /// Keys in lower case that are very long or not ASCII.
    odd_keys: Vec<(Box<str>, Vec<u64>)>,
    indexes: Vec<(usize, Vec<u64>)>,
    /// Bits of patterns that may match a field of class [`Class::Maybe`].
    specific: Vec<u64>,
    selectors: Vec<Expression>,
    words: usize,
}

/// A selector over the bits of its patterns' last items.
#[derive(Clone, Debug)]
enum Expression {
    AnyBit(Vec<u64>),
    Or(Vec<Expression>),
    And(Vec<Expression>),
    Not(Box<Expression>),
}

/// A path item, or several keys that are alternatives in one place of otherwise equal paths.
#[derive(Clone, Debug, PartialEq)]
enum PatternItem {
    Keys(Vec<String>),
    Other(PathItem),
}

/// What the matcher needs to know of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'k> {
    /// The member's name, if it is a member of an object or of pairs.
    pub(super) key: Option<&'k str>,
    /// The place in a list.
    pub(super) index: Option<usize>,
    pub(super) types: Types,
}

impl Matcher {
    /// Compiles `selectors`; their order is the number [`Self::matches`] knows them by.
    pub(super) fn new<'s>(selectors: impl IntoIterator<Item = &'s Selector>) -> Self {
        let mut matcher = Self {
            types: vec![Vec::new(); ValueType::COUNT],
            ..Self::default()
        };
        let mut bits = 0;
        for selector in selectors {
            let expression = matcher.compile(selector, &mut bits);
            matcher.selectors.push(expression);
        }
        matcher.pad(bits);
        matcher
    }

    /// The number of words of a state.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Appends to `states`, whose last state is that of the parent, the state of its child `step`.
    pub(super) fn enter(&self, states: &mut Vec<u64>, step: Step<'_>) {
        let parent = states.len() - self.words;
        let key = step.key.and_then(|key| self.key_mask(key));
        let index = step
            .index
            .and_then(|index| lookup(&self.indexes, |known| *known == index));
        let mut carry = 0;
        for word in 0..self.words {
            let active = states[parent + word];
            let reachable = (active << 1) | carry | self.first[word] | (active & self.deep[word]);
            carry = active >> 63;
            let mut mask = self.any[word];
            for index in step.types.indexes() {
                mask |= self.types[index][word];
            }
            for known in [key, index].into_iter().flatten() {
                mask |= known[word];
            }
            states.push(reachable & mask);
        }
    }

    /// The items that a key matches, if it is the name of any.
    fn key_mask(&self, key: &str) -> Option<&[u64]> {
        if let Some(known) = self.ends.get(key.len())
            && ends(key) & !known == 0
        {
            let mask = lookup(&self.keys[key.len()], |known| is_same_key(known, key));
            if mask.is_some() {
                return mask;
            }
        }
        if self.odd_keys.is_empty() || (key.is_ascii() && key.len() < self.keys.len()) {
            return None;
        }
        let lower = key.to_lowercase();
        lookup(&self.odd_keys, |known| **known == *lower)
    }

    /// Whether selector number `selector` matches a value of this state and class.
    pub(super) fn matches(&self, selector: usize, state: &[u64], class: Class) -> bool {
        let specific = match class {
            Class::True => None,
            Class::Maybe => Some(self.specific.as_slice()),
            Class::False => return false,
        };
        self.selectors[selector].matches(state, specific)
    }

    fn compile(&mut self, selector: &Selector, bits: &mut usize) -> Expression {
        match selector {
            Selector::Path(items) => {
                let mut accepted = Vec::new();
                let items = items.iter().map(PatternItem::new).collect::<Vec<_>>();
                set(&mut accepted, self.add_pattern(&items, bits));
                Expression::AnyBit(accepted)
            }
            Selector::Not(inner) => Expression::Not(Box::new(self.compile(inner, bits))),
            Selector::And(parts) => {
                Expression::And(parts.iter().map(|part| self.compile(part, bits)).collect())
            }
            Selector::Or(parts) => self.compile_or(parts, bits),
        }
    }

    fn compile_or(&mut self, parts: &[Selector], bits: &mut usize) -> Expression {
        let mut patterns: Vec<Vec<PatternItem>> = Vec::new();
        let mut others = Vec::new();
        for part in parts {
            match part {
                Selector::Path(items) => {
                    let items: Vec<_> = items.iter().map(PatternItem::new).collect();
                    if !patterns.iter_mut().any(|pattern| merge(pattern, &items)) {
                        patterns.push(items);
                    }
                }
                _ => others.push(self.compile(part, bits)),
            }
        }
        let mut accepted = Vec::new();
        for pattern in &patterns {
            set(&mut accepted, self.add_pattern(pattern, bits));
        }
        if others.is_empty() {
            return Expression::AnyBit(accepted);
        }
        others.push(Expression::AnyBit(accepted));
        Expression::Or(others)
    }

    /// Reserves the bits of a pattern and returns the last one.
    fn add_pattern(&mut self, items: &[PatternItem], bits: &mut usize) -> usize {
        let start = *bits;
        *bits += items.len();
        set(&mut self.first, start);
        for (i, item) in items.iter().enumerate() {
            self.add_item(item, start + i);
        }
        let last = *bits - 1;
        if items
            .iter()
            .enumerate()
            .all(|(i, item)| item.is_specific(i))
        {
            set(&mut self.specific, last);
        }
        last
    }

    fn add_item(&mut self, item: &PatternItem, bit: usize) {
        match item {
            PatternItem::Keys(keys) => keys.iter().for_each(|key| self.add_key(key, bit)),
            PatternItem::Other(PathItem::Type(ty)) => set(&mut self.types[*ty as usize], bit),
            PatternItem::Other(PathItem::Index(index)) => set_in(&mut self.indexes, *index, bit),
            PatternItem::Other(PathItem::DeepWildcard) => {
                set(&mut self.deep, bit);
                set(&mut self.any, bit);
            }
            PatternItem::Other(_) => set(&mut self.any, bit),
        }
    }

    fn add_key(&mut self, key: &str, bit: usize) {
        let lower = key.to_lowercase().into_boxed_str();
        if !lower.is_ascii() || lower.len() > LONGEST_COMMON_KEY {
            return set_in(&mut self.odd_keys, lower, bit);
        }
        if self.keys.len() <= lower.len() {
            self.keys.resize_with(lower.len() + 1, Vec::new);
            self.ends.resize(lower.len() + 1, 0);
        }
        let length = lower.len();
        self.ends[length] |= ends(&lower);
        set_in(&mut self.keys[length], lower, bit);
    }

    /// Makes all masks equally long, so that the walk need not check.
    fn pad(&mut self, bits: usize) {
        let words = bits.div_ceil(64);
        self.words = words;
        let lists = [
            &mut self.first,
            &mut self.deep,
            &mut self.any,
            &mut self.specific,
        ];
        lists.into_iter().for_each(|mask| mask.resize(words, 0));
        self.types.iter_mut().for_each(|mask| mask.resize(words, 0));
        let keys = self.keys.iter_mut().flatten().chain(&mut self.odd_keys);
        keys.for_each(|(_, mask)| mask.resize(words, 0));
        self.indexes
            .iter_mut()
            .for_each(|(_, mask)| mask.resize(words, 0));
    }
}

impl PatternItem {
    fn new(item: &PathItem) -> Self {
        match item {
            PathItem::Key(key) => Self::Keys(vec![key.clone()]),
            other => Self::Other(other.clone()),
        }
    }

    /// Whether the item may stand at place `i` of a pattern that names a field.
    fn is_specific(&self, i: usize) -> bool {
        match self {
            Self::Other(PathItem::Type(ty)) => !ty.is_basic() && i == 0,
            Self::Other(PathItem::DeepWildcard) => false,
            _ => true,
        }
    }
}

impl Expression {
    fn matches(&self, state: &[u64], specific: Option<&[u64]>) -> bool {
        match self {
            Self::AnyBit(mask) => mask.iter().enumerate().any(|(word, mask)| {
                state[word] & mask & specific.map_or(u64::MAX, |specific| specific[word]) != 0
            }),
            Self::Or(parts) => parts.iter().any(|part| part.matches(state, specific)),
            Self::And(parts) => parts.iter().all(|part| part.matches(state, specific)),
            Self::Not(inner) => !inner.matches(state, specific),
        }
    }
}

/// Adds the key by which `items` differs from `pattern` to it, if that is all they differ by.
fn merge(pattern: &mut [PatternItem], items: &[PatternItem]) -> bool {
    if pattern.len() != items.len() {
        return false;
    }
    let mut differing = (0..items.len()).filter(|&i| pattern[i] != items[i]);
    let (Some(place), None) = (differing.next(), differing.next()) else {
        return false;
    };
    // A second place with alternatives would match combinations that nobody wrote.
    let elsewhere = pattern
        .iter()
        .enumerate()
        .any(|(i, item)| i != place && matches!(item, PatternItem::Keys(keys) if keys.len() > 1));
    match (&mut pattern[place], &items[place]) {
        (PatternItem::Keys(keys), PatternItem::Keys(more)) if !elsewhere => {
            keys.extend_from_slice(more);
            true
        }
        _ => false,
    }
}

fn lookup<K>(entries: &[(K, Vec<u64>)], is: impl Fn(&K) -> bool) -> Option<&[u64]> {
    let found = entries.iter().find(|(known, _)| is(known));
    found.map(|(_, mask)| mask.as_slice())
}

/// A bit for the first letter of a key and one for the last, whatever their case.
fn ends(key: &str) -> u64 {
    let place = |byte: Option<&u8>| byte.map_or(0, |byte| byte % 32);
    let bytes = key.as_bytes();
    1 << place(bytes.first()) | 1 << (32 + place(bytes.last()))
}

/// Whether two keys are the same in any case. Most differ in one of their ends, which is quick to see.
fn is_same_key(known: &str, key: &str) -> bool {
    ends(known) == ends(key) && known.eq_ignore_ascii_case(key)
}

fn set_in<K: PartialEq>(entries: &mut Vec<(K, Vec<u64>)>, key: K, bit: usize) {
    match entries.iter_mut().find(|(known, _)| *known == key) {
        Some((_, mask)) => set(mask, bit),
        None => {
            let mut mask = Vec::new();
            set(&mut mask, bit);
            entries.push((key, mask));
        }
    }
}

fn set(mask: &mut Vec<u64>, bit: usize) {
    let word = bit / 64;
    if mask.len() <= word {
        mask.resize(word + 1, 0);
    }
    mask[word] |= 1 << (bit % 64);
}
