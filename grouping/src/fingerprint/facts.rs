//! What fingerprint rules see of an event.

use bugle_protocol::Event;
use bugle_protocol::event::{Exception, Frame, Stacktrace, Thread};

use super::{Bucket, Field, Matcher, Pattern};
use crate::family::Family;
use crate::pattern::{Glob, Subject};

const UNKNOWN: &str = "<unknown>";

/// An event with the answers to a rule's questions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'t, 'a> {
    event: &'t Event<'a>,
}

impl<'t, 'a> Facts<'t, 'a> {
    pub(super) fn new(event: &'t Event<'a>) -> Self {
        Self { event }
    }

    /// Whether one item of what the bucket is about meets all conditions.
    pub(super) fn any_meets_all(self, bucket: Bucket, matchers: &[Matcher]) -> bool {
        let event = self.event;
        let texts_meet = |text: Option<&str>| matchers.iter().all(|m| m.accepts(text));
        match bucket {
            Bucket::Message => messages(event).any(|text| texts_meet(Some(text))),
            Bucket::Exception => event
                .exceptions()
                .any(|exception| matchers.iter().all(|m| m.accepts_exception(exception))),
            Bucket::Frame => {
                frames(event).any(|frame| matchers.iter().all(|m| m.accepts_frame(frame)))
            }
            Bucket::LogInfo => matchers.iter().all(|m| match m.field {
                Field::Logger => m.accepts(event.get_str("logger")),
                _ => m.accepts(Some(event.level().as_str())),
            }),
            Bucket::Tag => matchers.iter().all(|m| match &m.field {
                Field::Tag(key) => m.accepts(tag(event, key)),
                _ => false,
            }),
            Bucket::Sdk => texts_meet(Some(&sdk_name(event))),
            Bucket::Family => texts_meet(Some(family_name(event.platform()))),
            Bucket::Release => texts_meet(event.get_str("release")),
        }
    }
}

/// The texts that count as messages of an event: the log entry and each exception's message.
pub(super) fn messages<'t>(event: &'t Event<'_>) -> impl Iterator<Item = &'t str> {
    let entry = event.logentry().and_then(|entry| entry.text());
    entry
        .into_iter()
        .chain(event.exceptions().filter_map(Exception::value))
}

/// A tag, also one of those that are derived from the event itself.
pub(super) fn tag<'t>(event: &'t Event<'_>, key: &str) -> Option<&'t str> {
    event.tag(key).or_else(|| match key {
        "level" => Some(event.level().as_str()),
        "logger" | "environment" | "transaction" => event.get_str(key),
        "sentry:release" => event.get_str("release"),
        _ => None,
    })
}

/// The frames of the exceptions, else of the event's own stack trace, else of the threads.
fn frames<'t, 'a>(event: &'t Event<'a>) -> impl Iterator<Item = Frame<'t, 'a>> {
    let mut stacks: Vec<Stacktrace<'t, 'a>> = event
        .exceptions()
        .filter_map(Exception::stacktrace)
        .collect();
    if stacks.is_empty() {
        stacks.extend(event.stacktrace());
    }
    if stacks.iter().all(|stack| stack.frames().next().is_none()) {
        stacks.extend(event.threads().filter_map(Thread::stacktrace));
    }
    stacks.into_iter().flat_map(Stacktrace::frames)
}

/// The SDK's name without its framework: `sentry.python.django` is `sentry.python`. The JavaScript SDKs are separate
/// packages and keep theirs.
fn sdk_name(event: &Event<'_>) -> String {
    let name = event.sdk().and_then(|sdk| sdk.name()).unwrap_or_default();
    let kept = if name.starts_with("sentry.javascript.") {
        3
    } else {
        2
    };
    name.split('.').take(kept).collect::<Vec<_>>().join(".")
}

fn family_name(platform: &str) -> &'static str {
    match Family::of(platform) {
        Family::Native => "native",
        Family::JavaScript => "javascript",
        Family::Other => "other",
    }
}

impl Matcher {
    fn accepts(&self, text: Option<&str>) -> bool {
        let glob_matches =
            |glob: &Glob| text.is_some_and(|text| glob.matches(&Subject::new(text, glob.mode())));
        let matches = match &self.pattern {
            Pattern::Glob(glob) => glob_matches(glob),
            Pattern::List(globs) => globs.iter().any(glob_matches),
            Pattern::Bool(_) => false,
        };
        matches != self.negated
    }

    fn accepts_exception(&self, exception: Exception<'_, '_>) -> bool {
        match self.field {
            Field::ErrorType => self.accepts(exception.ty().or(Some(UNKNOWN))),
            _ => self.accepts(exception.value().or(Some(UNKNOWN))),
        }
    }

    fn accepts_frame(&self, frame: Frame<'_, '_>) -> bool {
        match (&self.field, &self.pattern) {
            (Field::InApp, Pattern::Bool(value)) => {
                (*value == Some(frame.in_app().unwrap_or(false))) != self.negated
            }
            (Field::Module, _) => self.accepts(frame.module()),
            (Field::Package, _) => self.accepts(frame.package()),
            (Field::Path, _) if self.negated => {
                self.accepts(frame.abs_path()) && self.accepts(frame.filename())
            }
            (Field::Path, _) => self.accepts(frame.abs_path()) || self.accepts(frame.filename()),
            _ => self.accepts(frame.function().or(Some(UNKNOWN))),
        }
    }
}
