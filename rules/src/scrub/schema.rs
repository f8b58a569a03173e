//! What is known of an event's fields: how freely rules may reach them and which `$types` they have.
//!
//! The tables follow what Sentry's own scrubber was observed to do to every path of a full event, so that rules written
//! for Sentry reach the same fields here.

mod contexts;
mod event;
mod items;
mod spans;

pub(super) use event::EVENT;
pub(super) use items::{CHECK_IN, LOG};
pub(super) use spans::SPAN;

/// The `$types` of the selector language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the `$name` it is written as")]
pub enum ValueType {
    String,
    Binary,
    Number,
    Boolean,
    DateTime,
    Array,
    Object,
    Event,
    Attachments,
    Replay,
    Exception,
    Stacktrace,
    Frame,
    Request,
    User,
    LogEntry,
    Message,
    Thread,
    Breadcrumb,
    Log,
    TraceMetric,
    Span,
    Sdk,
    Minidump,
    HeapMemory,
    StackMemory,
}

/// Every type with its names; the first is the one it is written with.
const NAMES: [(ValueType, &[&str]); 26] = [
    (ValueType::String, &["string"]),
    (ValueType::Binary, &["binary"]),
    (ValueType::Number, &["number"]),
    (ValueType::Boolean, &["boolean"]),
    (ValueType::DateTime, &["datetime"]),
    (ValueType::Array, &["array"]),
    (ValueType::Object, &["object"]),
    (ValueType::Event, &["event"]),
    (ValueType::Attachments, &["attachments"]),
    (ValueType::Replay, &["replay"]),
    (ValueType::Exception, &["error", "exception"]),
    (ValueType::Stacktrace, &["stack", "stacktrace"]),
    (ValueType::Frame, &["frame"]),
    (ValueType::Request, &["http", "request"]),
    (ValueType::User, &["user"]),
    (ValueType::LogEntry, &["logentry"]),
    (ValueType::Message, &["message"]),
    (ValueType::Thread, &["thread"]),
    (ValueType::Breadcrumb, &["breadcrumb"]),
    (ValueType::Log, &["log"]),
    (ValueType::TraceMetric, &["trace_metric"]),
    (ValueType::Span, &["span"]),
    (ValueType::Sdk, &["sdk"]),
    (ValueType::Minidump, &["minidump"]),
    (ValueType::HeapMemory, &["heap_memory"]),
    (ValueType::StackMemory, &["stack_memory"]),
];

impl ValueType {
    /// How many there are.
    pub(super) const COUNT: usize = NAMES.len();

    /// The type written `$name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(_, names)| names.contains(&name))?;
        Some(found.0)
    }

    /// The type of a number of [`Types::indexes`].
    pub(super) fn from_index(index: usize) -> Option<Self> {
        NAMES.get(index).map(|(ty, _)| *ty)
    }

    /// The name without the dollar.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1[0]
    }

    /// Whether this is a type of JSON, which says nothing of what the value means.
    pub(super) fn is_basic(self) -> bool {
        self <= Self::Object
    }
}

/// A set of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Types(u32);

impl Types {
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn of(ty: ValueType) -> Self {
        Self(1 << ty as u32)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The types as numbers, which index [`ValueType`].
    pub(super) fn indexes(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let index = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (index < 32).then_some(index)
        })
    }
}

/// How freely rules may reach a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Any rule.
    True,
    /// Only a rule that names it: no `**`, no type of JSON.
    Maybe,
    /// None.
    False,
}

/// What is known of one field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) class: Class,
    pub(super) types: Types,
    pub(super) kind: Kind,
}

/// How a field's inside is described.
#[derive(Debug)]
pub(super) enum Kind {
    /// Anything of the sender's making: what is inside is of the same class.
    Free,
    /// Named members.
    Object(&'static Shape),
    /// A list of which every item is the same; also `{"values": [...]}`.
    List(&'static Field),
    /// A list of `[key, value]` pairs, or the object it stands for.
    Pairs,
    /// An object of `{"value": .., "type": ..}`, of which each value is of the class that its name has here.
    Attributes(&'static Shape),
    /// A path whose last segment must survive, because symbols are looked up by it.
    ImagePath,
}

/// The members of an object.
#[derive(Debug)]
pub(super) struct Shape {
    /// Names of members no rule reaches.
    never: &'static [&'static str],
    /// Names of members that only rules that name them reach.
    maybe: &'static [&'static str],
    fields: &'static [(&'static str, Field)],
    /// Every other member.
    rest: Class,
    /// A hash table of the names: numbers, from 1, of the names of the three lists in a row.
    slots: [u8; SLOTS],
}

const SLOTS: usize = 256;

const fn shape(
    never: &'static [&'static str],
    maybe: &'static [&'static str],
    fields: &'static [(&'static str, Field)],
    rest: Class,
) -> Shape {
    let mut shape = Shape {
        never,
        maybe,
        fields,
        rest,
        slots: [0; SLOTS],
    };
    // Counting past 255 would not compile.
    let mut number = 1_u8;
    while let Some(name) = shape.name(number as usize) {
        let mut slot = hash(name);
        while shape.slots[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        shape.slots[slot] = number;
        number += 1;
    }
    shape
}

impl Shape {
    pub(super) fn field(&self, key: &str) -> &'static Field {
        let mut slot = hash(key);
        loop {
            let number = usize::from(self.slots[slot]);
            match self.name(number) {
                None => return of_class(self.rest),
                Some(name) if name == key => return self.numbered(number),
                Some(_) => slot = (slot + 1) % SLOTS,
            }
        }
    }

    const fn name(&self, number: usize) -> Option<&'static str> {
        let (never, maybe) = (self.never.len(), self.maybe.len());
        if number == 0 || number > never + maybe + self.fields.len() {
            None
        } else if number <= never {
            Some(self.never[number - 1])
        } else if number <= never + maybe {
            Some(self.maybe[number - never - 1])
        } else {
            Some(self.fields[number - never - maybe - 1].0)
        }
    }

    fn numbered(&self, number: usize) -> &'static Field {
        let (never, maybe) = (self.never.len(), self.maybe.len());
        match number {
            _ if number <= never => &FREE_FALSE,
            _ if number <= never + maybe => &FREE_MAYBE,
            _ => &self.fields[number - never - maybe - 1].1,
        }
    }
}

const fn hash(name: &str) -> usize {
    let name = name.as_bytes();
    if name.is_empty() {
        return 0;
    }
    let (first, middle, last) = (
        name[0] as usize,
        name[name.len() / 2] as usize,
        name[name.len() - 1] as usize,
    );
    (name.len() * 7 + first * 31 + middle * 5 + last * 17) % SLOTS
}

/// A field of free form.
const fn free(class: Class) -> Field {
    Field {
        class,
        types: Types::NONE,
        kind: Kind::Free,
    }
}

const fn typed(class: Class, ty: ValueType, shape: &'static Shape) -> Field {
    Field {
        class,
        types: Types::of(ty),
        kind: Kind::Object(shape),
    }
}

const fn object(class: Class, shape: &'static Shape) -> Field {
    Field {
        class,
        types: Types::NONE,
        kind: Kind::Object(shape),
    }
}

const fn list(item: &'static Field) -> Field {
    Field {
        class: Class::False,
        types: Types::NONE,
        kind: Kind::List(item),
    }
}

const fn pairs(class: Class) -> Field {
    Field {
        class,
        types: Types::NONE,
        kind: Kind::Pairs,
    }
}

const fn image_path() -> Field {
    Field {
        class: Class::Maybe,
        types: Types::NONE,
        kind: Kind::ImagePath,
    }
}

pub(super) static FREE_TRUE: Field = free(Class::True);
static FREE_MAYBE: Field = free(Class::Maybe);
static FREE_FALSE: Field = free(Class::False);

/// A free field of a class.
fn of_class(class: Class) -> &'static Field {
    match class {
        Class::True => &FREE_TRUE,
        Class::Maybe => &FREE_MAYBE,
        Class::False => &FREE_FALSE,
    }
}

/// How the inside of a value of a class is known; nothing inside [`Class::False`] is reached.
pub(super) fn free_field(class: Class) -> Option<&'static Field> {
    (class != Class::False).then(|| of_class(class))
}
