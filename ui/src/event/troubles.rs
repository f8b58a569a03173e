//! What went wrong with an event on its way, and what was cut or removed.

use bugle_protocol::Meta;
use serde::Serialize;

use super::fields::Field;
use super::noted::Noted;
use super::rich::describe;
use super::sections::humanize;

/// The most notes that are listed.
const MOST_NOTES: usize = 200;

/// Errors and notes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Troubles {
    /// What could not be used.
    errors: Vec<Fault>,
    /// What rules changed.
    notes: Vec<Change>,
    /// How many more notes there are.
    more_notes: usize,
}

/// An error of processing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Fault {
    kind: String,
    /// The attribute it is about.
    name: Option<String>,
    details: Vec<Field>,
}

/// A change to a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Change {
    path: String,
    text: String,
}

impl Troubles {
    /// Reads the `errors` list and the notes.
    pub(super) fn new(errors: Option<Noted<'_, '_>>, meta: &Meta) -> Self {
        let mut troubles = Self::default();
        let errors = errors.iter().flat_map(|errors| errors.items());
        troubles.errors = errors.filter_map(Fault::new).collect();
        meta.for_each_note(&mut |path, note| {
            if troubles.notes.len() < MOST_NOTES {
                let (path, text) = (path.to_owned(), describe(note));
                troubles.notes.push(Change { path, text });
            } else {
                troubles.more_notes += 1;
            }
        });
        troubles
    }
}

impl Fault {
    fn new(error: Noted<'_, '_>) -> Option<Self> {
        error.object()?;
        let is_detail = |key: &str| !matches!(key, "type" | "name");
        let details = error.members().filter(|(key, _)| is_detail(key));
        Some(Self {
            kind: humanize(error.str("type").unwrap_or("error")),
            name: error.str("name").map(str::to_owned),
            details: details.map(|(key, value)| Field::new(key, value)).collect(),
        })
    }
}
