//! Which rules apply is asked for every value of an event, and the answer is nearly always one of a few.

use crate::scrub::Pass;
use crate::scrub::rules::Rule;
use crate::scrub::schema::Class;

/// The rules of the last few kinds of values, of which nearly every value is one.
pub(super) struct Memo<'s> {
    entries: [MemoEntry<'s>; 8],
    /// The entry that is written next.
    oldest: usize,
}

struct MemoEntry<'s> {
    state: Vec<u64>,
    class: Class,
    rules: Vec<&'s Rule>,
}

impl<'s> Memo<'s> {
    /// Knows no value yet: nothing applies to this class.
    pub(super) fn new() -> Self {
        let empty = || MemoEntry {
            state: Vec::new(),
            class: Class::False,
            rules: Vec::new(),
        };
        Self {
            entries: std::array::from_fn(|_| empty()),
            oldest: 0,
        }
    }

    pub(super) fn rules(&mut self, pass: &'s Pass, state: &[u64], class: Class) -> &[&'s Rule] {
        let known = |entry: &MemoEntry<'_>| entry.class == class && entry.state.iter().eq(state);
        let place = self.entries.iter().position(known).unwrap_or_else(|| {
            let place = self.oldest;
            self.oldest = (place + 1) % self.entries.len();
            let entry = &mut self.entries[place];
            entry.state.clear();
            entry.state.extend_from_slice(state);
            entry.class = class;
            entry.rules.clear();
            entry.rules.extend(pass.rules(state, class));
            place
        });
        &self.entries[place].rules
    }
}
