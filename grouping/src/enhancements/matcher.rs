//! The conditions of a rule.

use super::{ExceptionFacts, RuleFrame};
use crate::family::{Families, Family};
use crate::pattern::{Glob, Mode, Subject};

/// One condition.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Text(Field, std::sync::Arc<Glob>),
    Families(Families),
    /// `None` for a value that is no boolean, which matches nothing.
    InApp(Option<bool>),
}

/// The texts that a pattern may be held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Module,
    Function,
    Path,
    Package,
    Category,
    ErrorType,
    ErrorValue,
    ErrorMechanism,
}

impl Matcher {
    /// Makes the condition `key:pattern`; `None` if there is no such key.
    pub(super) fn new(key: &str, pattern: &str, negated: bool) -> Option<Self> {
        let field = match key {
            "stack.module" | "module" => Field::Module,
            "stack.function" | "function" => Field::Function,
            "stack.abs_path" | "path" => Field::Path,
            "stack.package" | "package" => Field::Package,
            "category" => Field::Category,
            "error.type" | "type" => Field::ErrorType,
            "error.value" | "value" => Field::ErrorValue,
            "error.mechanism" | "mechanism" => Field::ErrorMechanism,
            "family" => {
                return Some(Self {
                    negated,
                    test: Test::Families(Families::parse(pattern)),
                });
            }
            "app" => {
                return Some(Self {
                    negated,
                    test: Test::InApp(parse_bool(pattern)),
                });
            }
            _ => return None,
        };
        let glob = Glob::new(pattern, field.mode());
        Some(Self {
            negated,
            test: Test::Text(field, glob.into()),
        })
    }

    /// Whether the condition is about the exception, not about a frame.
    pub(super) fn is_about_exception(&self) -> bool {
        matches!(
            self.test,
            Test::Text(
                Field::ErrorType | Field::ErrorValue | Field::ErrorMechanism,
                _
            )
        )
    }

    /// Whether rules can change what the condition reads.
    pub(super) fn is_dynamic(&self) -> bool {
        matches!(self.test, Test::InApp(_) | Test::Text(Field::Category, _))
    }

    /// Whether the condition can only hold for a frame that has a category.
    pub(super) fn needs_category(&self) -> bool {
        !self.negated && matches!(self.test, Test::Text(Field::Category, _))
    }

    /// Whether the condition is about the frame's family.
    pub(super) fn is_about_family(&self) -> bool {
        matches!(self.test, Test::Families(_))
    }

    /// Whether the condition does not speak against frames of `family`.
    pub(super) fn accepts_family(&self, family: Family) -> bool {
        match &self.test {
            Test::Families(families) => families.contains(family) != self.negated,
            _ => true,
        }
    }

    /// The field and its first byte, where the condition fixes them.
    pub(super) fn first_byte(&self) -> Option<(Field, u8)> {
        match &self.test {
            Test::Text(field, glob) if !self.negated && !self.is_dynamic() => {
                Some((*field, glob.first_byte()?))
            }
            _ => None,
        }
    }

    /// Whether a frame meets the condition.
    pub(super) fn matches_frame(&self, frame: &RuleFrame<'_>) -> bool {
        let matches = match &self.test {
            Test::Text(Field::Category, glob) => frame
                .category
                .is_some_and(|name| glob.matches(&Subject::new(name, Mode::Exact))),
            Test::Text(field, glob) => frame
                .text(*field)
                .is_some_and(|subject| glob.matches(subject)),
            Test::Families(families) => families.contains(frame.family),
            Test::InApp(value) => *value == Some(frame.in_app.unwrap_or(false)),
        };
        matches != self.negated
    }

    /// Whether the exception meets the condition.
    pub(super) fn matches_exception(&self, exception: &ExceptionFacts<'_>) -> bool {
        let Test::Text(field, glob) = &self.test else {
            return false;
        };
        let text = match field {
            Field::ErrorType => exception.ty,
            Field::ErrorValue => exception.value,
            _ => exception.mechanism,
        };
        glob.matches(&Subject::new(text, Mode::Exact)) != self.negated
    }
}

impl Field {
    fn mode(self) -> Mode {
        match self {
            Self::Path | Self::Package => Mode::Path,
            _ => Mode::Exact,
        }
    }
}

/// Reads the spellings of a boolean that rules use.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" => Some(true),
        "0" | "no" | "false" => Some(false),
        _ => None,
    }
}
