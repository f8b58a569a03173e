//! What grouping an event yields.

use std::borrow::Cow;
use std::fmt;

use sha2::{Digest, Sha256};

/// Names a grouping algorithm. The caller stores it with the hashes: events hashed by different versions do not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupingVersion(&'static str);

impl GroupingVersion {
    /// The algorithm of this crate.
    pub const CURRENT: Self = Self("bugle:2026-11");

    /// The name to store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for GroupingVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// What decides the issue of an event.
///
/// SHA-256 over the version and the ordered values, each with its length in front (8 bytes, little-endian), so that no
/// two lists of values run into each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupHash(pub [u8; 32]);

impl GroupHash {
    /// Hashes an ordered list of values.
    pub(crate) fn of<'v>(values: impl IntoIterator<Item = &'v str>) -> Self {
        let mut digest = Sha256::new();
        let mut add = |text: &str| {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        };
        add(GroupingVersion::CURRENT.as_str());
        values.into_iter().for_each(add);
        Self(digest.finalize().into())
    }
}

impl fmt::Display for GroupHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for GroupHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupHash({self})")
    }
}

/// The grouping of one event: its hashes, what they were made of, and how the issue is to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// The algorithm that made the hashes.
    pub version: GroupingVersion,
    /// All variants that were looked at, the contributing ones in lookup order.
    pub variants: Vec<Variant>,
    /// The title.
    pub title: String,
    /// Where it happened: the transaction, or module and function of the crash; empty if unknown. At most 200 characters.
    pub culprit: String,
    /// The file of the crash, or the URI or host that a security report is about.
    pub location: Option<String>,
    /// The facts behind the title.
    pub metadata: Metadata,
    /// The server-side fingerprint rule that matched.
    pub fingerprint_rule: Option<MatchedRule>,
    /// The index (in payload order) of the exception that gives the title, where it is not simply the last one.
    pub main_exception: Option<usize>,
}

impl Grouping {
    /// The contributing hashes in lookup order: the first that belongs to an issue decides.
    #[must_use]
    pub fn hashes(&self) -> Vec<GroupHash> {
        self.variants.iter().filter_map(|v| v.hash).collect()
    }

    /// The variant whose hash is looked up first.
    #[must_use]
    pub fn primary(&self) -> Option<&Variant> {
        self.variants.iter().find(|v| v.contributes())
    }
}

/// One way of looking at an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The name.
    pub name: VariantName,
    /// The part of the event it was made of.
    pub kind: VariantKind,
    /// The hash; `None` if the variant does not contribute.
    pub hash: Option<GroupHash>,
    /// Why it does not contribute.
    pub hint: Option<Cow<'static, str>>,
    /// The ordered values that were hashed; empty if it does not contribute.
    pub values: Vec<Leaf>,
    /// For a hybrid fingerprint: the list in which `{{ default }}` stands for the values.
    pub fingerprint: Option<Vec<String>>,
}

impl Variant {
    /// A variant that yields a hash.
    pub(crate) fn contributing(name: VariantName, kind: VariantKind, values: Vec<Leaf>) -> Self {
        let hash = GroupHash::of(values.iter().map(|leaf| leaf.value.as_str()));
        Self {
            name,
            kind,
            hash: Some(hash),
            hint: None,
            values,
            fingerprint: None,
        }
    }

    /// A variant that yields none, and why.
    pub(crate) fn silent(
        name: VariantName,
        kind: VariantKind,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            name,
            kind,
            hash: None,
            hint: Some(hint.into()),
            values: Vec::new(),
            fingerprint: None,
        }
    }

    /// Whether the variant yields a hash.
    #[must_use]
    pub fn contributes(&self) -> bool {
        self.hash.is_some()
    }
}

/// One value that went into a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// What the value is.
    pub kind: LeafKind,
    /// The value, cleaned of what changes from event to event.
    pub value: String,
}

impl Leaf {
    pub(crate) fn new(kind: LeafKind, value: impl Into<String>) -> Self {
        Self {
            kind,
            value: value.into(),
        }
    }
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// The name in JSON and in the user interface.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

named! {
    /// The names of variants.
    VariantName {
        /// In-app frames only.
        App = "app",
        /// All frames.
        System = "system",
        /// Message, template or security report.
        Default = "default",
        /// A checksum of 32 hex digits that the client sent.
        Checksum = "checksum",
        /// Any other checksum that the client sent.
        HashedChecksum = "hashed_checksum",
        /// The client's fingerprint.
        CustomClientFingerprint = "custom_client_fingerprint",
        /// A fingerprint rule of the project.
        CustomServerFingerprint = "custom_server_fingerprint",
        /// A built-in fingerprint rule.
        BuiltInFingerprint = "built_in_fingerprint",
        /// Nothing in the event could be hashed.
        Fallback = "fallback",
    }
}

named! {
    /// The parts of an event that variants are made of.
    VariantKind {
        /// One exception.
        Exception = "exception",
        /// Several exceptions.
        ChainedException = "chained_exception",
        /// The stack trace of a thread.
        Threads = "threads",
        /// The event's own stack trace.
        Stacktrace = "stacktrace",
        /// A template error's place.
        Template = "template",
        /// The log message.
        Message = "message",
        /// A Content Security Policy report.
        Csp = "csp",
        /// A Public Key Pinning report.
        Hpkp = "hpkp",
        /// An Expect-CT report.
        ExpectCt = "expect_ct",
        /// An Expect-Staple report.
        ExpectStaple = "expect_staple",
        /// A fingerprint.
        Fingerprint = "fingerprint",
        /// A checksum.
        Checksum = "checksum",
        /// Nothing.
        Fallback = "fallback",
    }
}

named! {
    /// The kinds of values.
    LeafKind {
        /// An exception's type.
        Type = "type",
        /// An exception's message, parameterised.
        Value = "value",
        /// An `NSError`'s domain.
        Domain = "domain",
        /// An `NSError`'s code.
        Code = "code",
        /// A frame's module.
        Module = "module",
        /// A frame's file, without its folder.
        Filename = "filename",
        /// A frame's function.
        Function = "function",
        /// A frame's source line.
        ContextLine = "context_line",
        /// A log message, parameterised.
        Message = "message",
        /// A constant that tells kinds of reports apart.
        Salt = "salt",
        /// A violated source keyword of a CSP.
        Violation = "violation",
        /// A blocked URI.
        Uri = "uri",
        /// A host.
        Hostname = "hostname",
        /// An entry of a fingerprint.
        Fingerprint = "fingerprint",
        /// A checksum.
        Checksum = "checksum",
    }
}

/// The facts behind a title.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The title of events that are no errors, or the one that a fingerprint rule gave.
    pub title: Option<String>,
    /// The exception's type, at most 128 characters; none if it is synthetic.
    pub ty: Option<String>,
    /// The exception's message, at most 1024 characters.
    pub value: Option<String>,
    /// The file of the crash.
    pub filename: Option<String>,
    /// The function of the crash.
    pub function: Option<String>,
    /// The directive that a CSP report is about.
    pub directive: Option<String>,
    /// What a CSP report blocked, or the address that a network error is about.
    pub uri: Option<String>,
    /// The host that another security report is about.
    pub origin: Option<String>,
    /// The message of a security report.
    pub message: Option<String>,
}

impl Metadata {
    /// All facts there are, with their names in JSON.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("title", &self.title),
            ("type", &self.ty),
            ("value", &self.value),
            ("filename", &self.filename),
            ("function", &self.function),
            ("directive", &self.directive),
            ("uri", &self.uri),
            ("origin", &self.origin),
            ("message", &self.message),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

/// A fingerprint rule that matched an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedRule {
    /// Whether the rule is built in; else it is the project's.
    pub built_in: bool,
    /// The rule's index in its text, counted from 0, blank lines and comments not counted.
    pub index: usize,
    /// The rule as it was written.
    pub source: String,
}
