//! Numbers that look random and are the same every time.

/// `SplitMix64`: fast, and good enough for choosing places in inputs.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A series of its own for every pair of a seed and a number.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut random = Self(seed);
        let start = random.next() ^ number.wrapping_mul(0xd134_2543_de82_ef95);
        Self(start)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let number = usize::try_from(self.next() >> 1).unwrap_or_default();
        number.checked_rem(bound).unwrap_or_default()
    }

    /// One of them; there must be some.
    pub(super) fn pick<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }

    /// A range within `len`, mostly a short one.
    pub(super) fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.below(len + 1);
        let longest = match self.below(4) {
            0 => len - start,
            1 => 256,
            _ => 16,
        };
        start..start + self.below(longest.min(len - start) + 1)
    }
}
