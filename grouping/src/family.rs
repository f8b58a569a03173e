//! Platforms and the three families that rules tell apart.

/// A group of platforms that rules name with `family:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// C, C++, Rust, Swift, Objective-C.
    Native,
    /// Browsers and Node.
    JavaScript,
    /// Everything else: Python, Java, PHP, Go …
    Other,
}

impl Family {
    /// All families.
    pub(crate) const ALL: [Self; 3] = [Self::Native, Self::JavaScript, Self::Other];

    /// The family of a platform's name.
    pub(crate) fn of(platform: &str) -> Self {
        match platform {
            "objc" | "cocoa" | "swift" | "native" | "c" => Self::Native,
            "javascript" | "node" => Self::JavaScript,
            _ => Self::Other,
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Native => 1,
            Self::JavaScript => 2,
            Self::Other => 4,
        }
    }
}

/// A set of families, as `family:` and `sdk:` lists name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Families(u8);

impl Families {
    /// Reads a comma list of `native`, `javascript`, `other` and `all`; unknown names match nothing.
    pub(crate) fn parse(list: &str) -> Self {
        let bits = list.split(',').map(|name| match name.trim() {
            "native" => Family::Native.bit(),
            "javascript" => Family::JavaScript.bit(),
            "other" => Family::Other.bit(),
            "all" => u8::MAX,
            _ => 0,
        });
        Self(bits.fold(0, |all, bit| all | bit))
    }

    /// Whether the family is in the set.
    pub(crate) fn contains(self, family: Family) -> bool {
        self.0 & family.bit() != 0
    }
}
