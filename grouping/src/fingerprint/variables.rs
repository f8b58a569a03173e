//! The variables of fingerprints and titles: `{{ error.type }}`.

use bugle_protocol::Event;
use bugle_protocol::event::{Exception, Frame};

use super::facts;
use crate::crash;
use crate::frame::base_name;
use crate::message;

/// An event with the values of its variables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variables<'t, 'a> {
    event: &'t Event<'a>,
}

/// The name, if the whole entry is one variable.
pub(super) fn name_of(entry: &str) -> Option<&str> {
    let name = entry.strip_prefix("{{")?.strip_suffix("}}")?.trim();
    (!name.is_empty() && !name.contains(['{', '}', ' '])).then_some(name)
}

impl<'t, 'a> Variables<'t, 'a> {
    pub(super) fn new(event: &'t Event<'a>) -> Self {
        Self { event }
    }

    /// Whether `text` is one of the event's messages.
    pub(super) fn is_message(self, text: &str) -> bool {
        facts::messages(self.event).any(|message| message == text)
    }

    /// The value of a variable in a fingerprint: messages with their data replaced by its kind.
    pub(super) fn value(self, name: &str) -> String {
        match name {
            "message" | "value" | "error.value" => {
                message::parameterise_whole(&self.plain_value(name))
            }
            _ => self.plain_value(name),
        }
    }

    /// The template with its variables filled in as they are.
    pub(super) fn expand(self, template: &str) -> String {
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(start) = rest.find("{{") {
            out.push_str(&rest[..start]);
            let Some(length) = rest[start..].find("}}").map(|end| end + "}}".len()) else {
                rest = &rest[start..];
                break;
            };
            let variable = &rest[start..start + length];
            match name_of(variable) {
                Some(name) => out.push_str(&self.plain_value(name)),
                None => out.push_str(variable),
            }
            rest = &rest[start + length..];
        }
        out.push_str(rest);
        out
    }

    fn plain_value(self, name: &str) -> String {
        let event = self.event;
        let (value, missing) = match name {
            "transaction" => (event.get_str("transaction"), "<no-transaction>"),
            "message" => (self.message(), "<no-message>"),
            "type" | "error.type" => (self.exception(Exception::ty), "<no-type>"),
            "value" | "error.value" => (self.exception(Exception::value), "<no-value>"),
            "function" | "stack.function" => (self.frame(Frame::function), "<no-function>"),
            "path" | "stack.abs_path" => (
                self.frame(|frame| frame.abs_path().or(frame.filename())),
                "<no-abs-path>",
            ),
            "stack.filename" => (
                self.frame(|frame| frame.filename().or(frame.abs_path())),
                "<no-filename>",
            ),
            "module" | "stack.module" => (self.frame(Frame::module), "<no-module>"),
            "package" | "stack.package" => (
                self.frame(|frame| frame.package().map(base_name)),
                "<no-package>",
            ),
            "level" => (Some(event.level().as_str()), "<no-level>"),
            "logger" => (event.get_str("logger"), "<no-logger>"),
            _ => return self.tag_or_unknown(name),
        };
        value
            .filter(|value| !value.is_empty())
            .unwrap_or(missing)
            .to_owned()
    }

    fn tag_or_unknown(self, name: &str) -> String {
        match name.strip_prefix("tags.") {
            Some(key) => match facts::tag(self.event, key) {
                Some(value) => value.to_owned(),
                None => format!("<no-value-for-tag-{key}>"),
            },
            None => format!("<unrecognized-variable-{name}>"),
        }
    }

    fn message(self) -> Option<&'t str> {
        let entry = self.event.logentry().and_then(|entry| entry.text());
        entry.or_else(|| self.exception(Exception::value))
    }

    fn exception(self, get: impl Fn(Exception<'t, 'a>) -> Option<&'t str>) -> Option<&'t str> {
        get(self.event.exceptions().next_back()?)
    }

    fn frame(self, get: impl Fn(Frame<'t, 'a>) -> Option<&'t str>) -> Option<&'t str> {
        get(crash::frame(self.event, |_| true)?)
    }
}
