//! What is wrong in a document, and where.

/// A part of a document that cannot be used; where a function says so, one that can but is unlikely to be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The member of the document, in its JSON spelling, such as `rules` or `errorMessages`.
    pub field: &'static str,
    /// The line of a text or the place in a list, from 1.
    pub line: Option<usize>,
    /// The column in the line, in characters from 1.
    pub column: Option<usize>,
    /// What is wrong, in a sentence that names the thing and the limit.
    pub message: String,
}
