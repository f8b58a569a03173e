//! What the rules see of frames and exceptions.

use std::cell::OnceCell;

use bugle_protocol::event::{Exception, Mechanism};

use super::Rule;
use super::matcher::Field;
use crate::family::Family;
use crate::frame_fields::FrameFields;
use crate::pattern::{Mode, Subject};

/// What stands for a function or an exception's field that is missing.
const UNKNOWN: &str = "<unknown>";

/// A frame as the rules see and change it.
#[derive(Debug)]
pub(crate) struct RuleFrame<'x> {
    /// The family of the frame's platform.
    pub(crate) family: Family,
    /// Whether it is the application's code, if anybody said so yet.
    pub(crate) in_app: Option<bool>,
    /// The rule that said so, if it was a rule.
    pub(crate) in_app_rule: Option<&'x Rule>,
    /// The category that a rule gave it.
    pub(crate) category: Option<&'x str>,
    function: Subject<'x>,
    module: Option<Subject<'x>>,
    path: Prepared<'x>,
    package: Prepared<'x>,
}

/// A path that is folded when the first rule asks for it.
#[derive(Debug)]
struct Prepared<'x> {
    text: Option<&'x str>,
    subject: OnceCell<Subject<'x>>,
}

/// What the rules see of the exception that a stack trace belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExceptionFacts<'x> {
    /// The type.
    pub(crate) ty: &'x str,
    /// The message.
    pub(crate) value: &'x str,
    /// The kind of hook that caught it.
    pub(crate) mechanism: &'x str,
}

impl<'x> RuleFrame<'x> {
    /// The facts of `frame`; `event_platform` holds where the frame names none.
    pub(crate) fn new(frame: &FrameFields<'x>, event_platform: &str) -> Self {
        Self {
            family: Family::of(frame.platform.unwrap_or(event_platform)),
            in_app: frame.in_app,
            in_app_rule: None,
            category: frame.category,
            function: Subject::new(frame.function.unwrap_or(UNKNOWN), Mode::Exact),
            module: frame.module.map(|module| Subject::new(module, Mode::Exact)),
            path: Prepared::new(frame.abs_path.or(frame.filename)),
            package: Prepared::new(frame.package),
        }
    }

    /// The first byte of what [`Self::text`] gives for `field`; a path always begins with a slash.
    pub(super) fn first_byte(&self, field: Field) -> Option<u8> {
        match field {
            Field::Path => self.path.text.map(|_| b'/'),
            Field::Package => self.package.text.map(|_| b'/'),
            _ => self.text(field)?.as_str().bytes().next(),
        }
    }

    /// The text that a pattern for `field` is held against; the category is not among them.
    pub(super) fn text(&self, field: Field) -> Option<&Subject<'x>> {
        match field {
            Field::Function => Some(&self.function),
            Field::Module => self.module.as_ref(),
            Field::Path => self.path.get(),
            Field::Package => self.package.get(),
            _ => None,
        }
    }
}

impl<'x> Prepared<'x> {
    fn new(text: Option<&'x str>) -> Self {
        Self {
            text,
            subject: OnceCell::new(),
        }
    }

    fn get(&self) -> Option<&Subject<'x>> {
        let text = self.text?;
        Some(self.subject.get_or_init(|| Subject::new(text, Mode::Path)))
    }
}

impl<'x> ExceptionFacts<'x> {
    /// The facts of `exception`, or of a stack trace without one.
    pub(crate) fn of(exception: Option<Exception<'x, '_>>) -> Self {
        Self {
            ty: exception.and_then(Exception::ty).unwrap_or(UNKNOWN),
            value: exception.and_then(Exception::value).unwrap_or(UNKNOWN),
            mechanism: exception
                .and_then(Exception::mechanism)
                .and_then(Mechanism::ty)
                .unwrap_or(UNKNOWN),
        }
    }
}
