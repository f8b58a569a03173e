//! The words in which the tables of fields are written; the tables stand beside each interface's own code.

use bugle_protocol::Json;

use super::note::{Fault, Path};
use super::read::Reader;

/// Reads a single value in place: converts it, or says what is wrong with it.
pub(super) type Scalar = for<'a> fn(&mut Json<'a>) -> Result<(), Fault>;

/// Reads a value that takes more than one of the other kinds.
pub(super) type Custom = for<'a> fn(&mut Reader, &mut Json<'a>, &Path<'_>);

/// What a field may hold.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Anything; it is not looked at.
    Any,
    /// A text, number, boolean or time.
    Scalar(Scalar),
    /// An object with free keys.
    Map(&'static Kind),
    /// A list.
    List(&'static Kind),
    /// An object with known keys.
    Struct(&'static Schema),
    /// `{"values": [...]}`, also sent as a bare list or as the only item.
    Values(&'static Schema),
    /// See the function.
    Custom(Custom),
}

/// An object with known keys.
pub(super) struct Schema {
    /// The name in `expected <name>`.
    pub(super) name: &'static str,
    /// The fields, in the order in which their errors are listed.
    pub(super) fields: &'static [Field],
    /// Old names of fields: from, to.
    pub(super) aliases: &'static [(&'static str, &'static str)],
    /// Whether other members stay.
    pub(super) open: bool,
}

impl Schema {
    /// A schema without old names whose unknown members go.
    pub(super) const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self {
            name,
            fields,
            aliases: &[],
            open: false,
        }
    }

    /// The same schema, keeping unknown members.
    pub(super) const fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// The same schema with old names.
    pub(super) const fn aliases(
        mut self,
        aliases: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.aliases = aliases;
        self
    }

    /// The field of a name.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// One known key.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) limit: Limit,
    /// Noted as missing where it is absent.
    pub(super) required: bool,
    /// What becomes of an empty list or object.
    pub(super) empty: Empty,
}

/// What becomes of an empty list or object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    /// It is as good as absent and goes.
    Goes,
    /// It stays.
    Stays,
    /// It is an error.
    Errs,
}

/// How much of a value is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// All of it.
    None,
    /// At most `max` characters; a text is cut only if it is longer than `max + allowance`.
    Chars { max: usize, allowance: usize },
    /// About `bytes` of JSON, containers at most `depth` deep.
    Bag { bytes: usize, depth: usize },
    /// Each member is a bag of its own.
    Bags { bytes: usize, depth: usize },
}

impl Limit {
    /// A limit in characters without allowance.
    pub(super) const fn chars(max: usize) -> Self {
        Self::Chars { max, allowance: 0 }
    }

    /// A limit in characters with an allowance.
    pub(super) const fn about(max: usize, allowance: usize) -> Self {
        Self::Chars { max, allowance }
    }
}

/// Texts that a person reads: log messages, exception values, breadcrumbs.
pub(super) const MESSAGE: Limit = Limit::about(8192, 200);
/// Names out of a small set, such as a mechanism or a breadcrumb's category.
pub(super) const NAME: Limit = Limit::chars(128);
/// Local variables, breadcrumb data, mechanism data, log parameters.
pub(super) const SMALL_BAG: Limit = Limit::Bag {
    bytes: 2048,
    depth: 5,
};
/// Request bodies, headers and environment, modules.
pub(super) const LARGE_BAG: Limit = Limit::Bag {
    bytes: 8192,
    depth: 7,
};

/// A field of no further rules.
pub(super) const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        limit: Limit::None,
        required: false,
        empty: Empty::Goes,
    }
}

impl Field {
    /// The same field with a limit.
    pub(super) const fn limit(mut self, limit: Limit) -> Self {
        self.limit = limit;
        self
    }

    /// The same field, noted as missing where it is absent.
    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The same field with another rule for empty containers.
    pub(super) const fn empty(mut self, empty: Empty) -> Self {
        self.empty = empty;
        self
    }
}
