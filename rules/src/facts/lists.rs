//! Fields with several values, each collected once per event.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashSet;

use bugle_protocol::Event;
use bugle_protocol::event::{Exception, Frame, Stacktrace};

/// How many values of a field are looked at: an event may be made of nothing else, and every rule looks at them.
pub(super) const MAX_VALUES: usize = 2_000;

/// How many bytes of a field are looked at, for the same reason. Frames of the same file count once.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// How much of one value is looked at, in bytes. Normalising leaves no message that is longer.
const MAX_VALUE_BYTES: usize = 32 * 1024;

/// A field with several values.
#[derive(Clone, Copy, Debug)]
pub(super) enum List {
    ErrorType,
    ErrorValue,
    ErrorModule,
    Mechanism,
    StackFilename,
    StackAbsPath,
    StackFunction,
    StackModule,
    StackPackage,
    Message,
    FreeText,
}

/// One more than the last of [`List`].
const LISTS: usize = List::FreeText as usize + 1;

/// The lists that somebody has asked for.
#[derive(Debug, Default)]
pub(super) struct Lists<'e>([OnceCell<Vec<&'e str>>; LISTS]);

impl<'e> Lists<'e> {
    pub(super) fn get(&self, list: List, event: &'e Event<'e>) -> &[&'e str] {
        self.0[list as usize].get_or_init(|| bounded(collect(list, event)))
    }
}

/// Each text once, and no more of them than rules can look at in a moment.
fn bounded(texts: Vec<&str>) -> Vec<&str> {
    let mut seen = HashSet::new();
    let mut room = MAX_BYTES;
    let mut kept = Vec::new();
    for text in texts {
        if room == 0 {
            break;
        }
        let text = cut(text, room);
        if seen.insert(text) {
            room = room.saturating_sub(text.len().max(1));
            kept.push(text);
        }
    }
    kept
}

/// The beginning of a text that is too long to be looked at for every rule.
pub(super) fn cut(text: &str, room: usize) -> &str {
    &text[..text.floor_char_boundary(room.min(MAX_VALUE_BYTES))]
}

fn collect<'e>(list: List, event: &'e Event<'e>) -> Vec<&'e str> {
    match list {
        List::ErrorType => of_exceptions(event, Exception::ty),
        List::ErrorValue => of_exceptions(event, Exception::value),
        List::ErrorModule => of_exceptions(event, Exception::module),
        List::Mechanism => of_exceptions(event, |exception| exception.mechanism()?.ty()),
        List::StackFilename => of_frames(event, Frame::filename),
        List::StackAbsPath => of_frames(event, Frame::abs_path),
        List::StackFunction => of_frames(event, Frame::function),
        List::StackModule => of_frames(event, Frame::module),
        List::StackPackage => of_frames(event, Frame::package),
        List::Message => {
            let mut texts = log_texts(event);
            texts.extend(of_exceptions(event, Exception::value));
            texts
        }
        List::FreeText => {
            let mut texts = log_texts(event);
            texts.extend(of_exceptions(event, Exception::ty));
            texts.extend(of_exceptions(event, Exception::value));
            texts.extend(event.get_str("transaction"));
            texts.extend(event.get_str("culprit"));
            texts
        }
    }
}

/// The log message, and its template where that is another.
fn log_texts<'e>(event: &'e Event<'e>) -> Vec<&'e str> {
    let Some(entry) = event.logentry() else {
        return Vec::new();
    };
    let template = entry.message().filter(|_| entry.formatted().is_some());
    entry.text().into_iter().chain(template).collect()
}

fn of_exceptions<'e>(
    event: &'e Event<'e>,
    get: impl Fn(Exception<'e, 'e>) -> Option<&'e str>,
) -> Vec<&'e str> {
    let texts = event.exceptions().filter_map(get);
    texts.take(MAX_VALUES).collect()
}

fn of_frames<'e>(
    event: &'e Event<'e>,
    get: impl Fn(Frame<'e, 'e>) -> Option<&'e str>,
) -> Vec<&'e str> {
    frames(event).filter_map(get).collect()
}

/// The frames of all exceptions; where there are none, those of the event itself and of its threads.
pub(super) fn frames<'e>(event: &'e Event<'e>) -> impl Iterator<Item = Frame<'e, 'e>> {
    let of_exceptions = event.exceptions().filter_map(Exception::stacktrace);
    let mut stacks: Vec<Stacktrace<'e, 'e>> = of_exceptions.take(MAX_VALUES).collect();
    if stacks.is_empty() {
        stacks.extend(event.stacktrace());
        stacks.extend(event.threads().filter_map(|thread| thread.stacktrace()));
    }
    let frames = stacks.into_iter().flat_map(Stacktrace::frames);
    frames.take(MAX_VALUES)
}

/// What the event is called: the exception that was raised last, the log message's first line, or the transaction.
pub(super) fn title<'e>(event: &'e Event<'e>) -> Cow<'e, str> {
    if let Some(exception) = event.exceptions().next_back() {
        return described(exception).unwrap_or_default();
    }
    let message = event.logentry().and_then(|entry| entry.text());
    let line = message.and_then(|text| text.lines().find(|line| !line.trim().is_empty()));
    line.or(event.get_str("transaction"))
        .unwrap_or_default()
        .into()
}

/// `type: value`, or the one that there is.
pub(crate) fn described<'e>(exception: Exception<'e, 'e>) -> Option<Cow<'e, str>> {
    let present = |text: &&str| !text.is_empty();
    match (
        exception.ty().filter(present),
        exception.value().filter(present),
    ) {
        (Some(ty), Some(value)) => Some(format!("{ty}: {value}").into()),
        (ty, value) => ty.or(value).map(Cow::Borrowed),
    }
}
