//! What an exception contributes: type, then the stack trace or what stands in for it.

use bugle_protocol::event::Exception;
use bugle_protocol::json::{self, Json};

use crate::message;
use crate::result::{Leaf, LeafKind};
use crate::rules::Rules;
use crate::stack::{Stack, View};

/// An exception and its stack trace.
#[derive(Debug)]
pub(crate) struct ExceptionPart<'x> {
    /// The type, unless it is synthetic.
    pub(crate) ty: Option<&'x str>,
    /// The type that a synthetic exception would have had.
    pub(crate) synthetic_type: Option<&'x str>,
    /// The message as sent.
    pub(crate) value: Option<&'x str>,
    /// Domain and code of an `NSError`, each if there is one.
    pub(crate) ns_error: Option<(Option<String>, Option<String>)>,
    /// The stack trace, if it has frames.
    pub(crate) stack: Option<Stack<'x>>,
}

impl<'x> ExceptionPart<'x> {
    /// Looks at `exception`.
    pub(crate) fn new(exception: Exception<'x, '_>, platform: &str, rules: &'x Rules) -> Self {
        let synthetic = exception.mechanism().is_some_and(|m| m.synthetic());
        let ty = exception.ty().filter(|ty| !ty.is_empty());
        Self {
            ty: ty.filter(|_| !synthetic),
            synthetic_type: ty.filter(|_| synthetic),
            value: exception.value().filter(|value| !value.is_empty()),
            ns_error: ns_error(exception),
            stack: exception
                .stacktrace()
                .map(|stack| Stack::new(stack, Some(exception), platform, rules)),
        }
    }

    /// Whether the exception is part of `view` at all: without a stack trace it belongs to the app alone.
    pub(crate) fn is_in(&self, view: View) -> bool {
        view == View::App || self.stack.is_some()
    }

    /// Whether a stack trace counts in `view`.
    pub(crate) fn has_stack(&self, view: View) -> bool {
        self.stack.as_ref().is_some_and(|stack| stack.counts(view))
    }

    /// The message as it is hashed.
    pub(crate) fn normalised_value(&self) -> Option<String> {
        self.value.map(message::normalise)
    }

    /// Why the message does not count in `view`.
    pub(crate) fn value_ignored(&self, view: View) -> Option<&'static str> {
        if self.ns_error.is_some() {
            Some("domain and code take precedence")
        } else if self.has_stack(view) {
            Some("the stack trace takes precedence")
        } else {
            None
        }
    }

    /// Appends the values that count in `view`.
    pub(crate) fn collect(&self, view: View, out: &mut Vec<Leaf>) {
        if !self.is_in(view) {
            return;
        }
        out.extend(self.ty.map(|ty| Leaf::new(LeafKind::Type, ty)));
        if self.value_ignored(view).is_none() {
            let value = self.normalised_value();
            out.extend(value.map(|value| Leaf::new(LeafKind::Value, value)));
        }
        if let Some((domain, code)) = &self.ns_error {
            let leaf = |kind| move |text: &String| Leaf::new(kind, text.as_str());
            out.extend(domain.as_ref().map(leaf(LeafKind::Domain)));
            out.extend(code.as_ref().map(leaf(LeafKind::Code)));
        }
        if let Some(stack) = &self.stack {
            stack.collect(view, out);
        }
    }

    /// Whether two exceptions are copies: the same apart from what changes from one to the next, even in parts that do
    /// not count.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let stacks_agree = match (&self.stack, &other.stack) {
            (None, None) => true,
            (Some(a), Some(b)) => a.is_same(b),
            _ => false,
        };
        self.ty == other.ty
            && self.synthetic_type == other.synthetic_type
            && self.ns_error == other.ns_error
            && stacks_agree
            && self.normalised_value() == other.normalised_value()
    }
}

fn ns_error(exception: Exception<'_, '_>) -> Option<(Option<String>, Option<String>)> {
    let ns_error = exception.mechanism()?.0.get("meta")?.get("ns_error")?;
    let text = |key| {
        ns_error.get(key).and_then(|json| match json {
            Json::String(text) if text.is_empty() => None,
            Json::String(text) => Some(text.to_string()),
            Json::Number(_) => Some(json::to_string(json)),
            _ => None,
        })
    };
    let (domain, code) = (text("domain"), text("code"));
    (domain.is_some() || code.is_some()).then_some((domain, code))
}
