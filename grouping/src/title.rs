//! How an issue is shown: title, culprit, location and the facts behind them.

use bugle_protocol::Event;
use bugle_protocol::event::{Exception, Frame, Stacktrace};

use crate::crash;
use crate::message::is_line_end;
use crate::result::Metadata;
use crate::security::Report;

/// Lengths in characters.
const MAX_TITLE_TEXT: usize = 100;
const MAX_TYPE: usize = 128;
const MAX_VALUE: usize = 1024;
const MAX_CULPRIT: usize = 200;

/// The kinds of events that are shown differently.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EventKind<'t, 'a> {
    /// It has exceptions.
    Error,
    /// A browser's report on a page's security policy.
    Security(Report<'t, 'a>),
    /// A browser's report on a network error, which is shown by its message.
    NetworkError,
    /// Everything else.
    Default,
}

/// What an issue shows of an event.
#[derive(Debug)]
pub(crate) struct Appearance {
    pub(crate) title: String,
    pub(crate) location: Option<String>,
    pub(crate) metadata: Metadata,
}

impl<'t, 'a> EventKind<'t, 'a> {
    /// The kind of `event`, read from what it holds.
    pub(crate) fn of(event: &'t Event<'a>) -> Self {
        if event.exceptions().next().is_some() {
            return Self::Error;
        }
        match (Report::of(event), event.get("nel")) {
            (Some(report), _) => Self::Security(report),
            (None, Some(_)) => Self::NetworkError,
            (None, None) => Self::Default,
        }
    }

    /// The name in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::NetworkError => "nel",
            Self::Default => "default",
            Self::Security(Report::Csp(_)) => "csp",
            Self::Security(Report::Hpkp(_)) => "hpkp",
            Self::Security(Report::ExpectCt(_)) => "expectct",
            Self::Security(Report::ExpectStaple(_)) => "expectstaple",
        }
    }
}

/// Describes a classified event; `custom_title` is what a fingerprint rule says, `main` the exception to name.
pub(crate) fn appearance(
    event: &Event<'_>,
    main: Option<usize>,
    custom_title: Option<String>,
) -> Appearance {
    let mut appearance = match EventKind::of(event) {
        EventKind::Error => error(event, main),
        EventKind::Security(report) => return security(event, report, custom_title),
        EventKind::NetworkError => network_error(event),
        EventKind::Default => default(event),
    };
    if let Some(title) = custom_title {
        appearance.title.clone_from(&title);
        appearance.metadata.title = Some(title);
    }
    appearance
}

fn error(event: &Event<'_>, main: Option<usize>) -> Appearance {
    let exception = match main {
        Some(index) => event.exceptions().nth(index),
        None => event.exceptions().next_back(),
    };
    let synthetic = exception
        .and_then(Exception::mechanism)
        .is_some_and(|mechanism| mechanism.synthetic());
    let ty = exception
        .and_then(Exception::ty)
        .filter(|ty| !ty.is_empty());
    let value = exception
        .and_then(Exception::value)
        .filter(|value| !value.is_empty());
    let crash = crash::frame(event, has_usable_function);
    let metadata = Metadata {
        ty: (!synthetic).then(|| truncate(ty.unwrap_or("Error"), MAX_TYPE)),
        value: value.map(|value| truncate(value, MAX_VALUE)),
        filename: crash
            .and_then(|frame| frame.filename().or(frame.abs_path()))
            .map(str::to_owned),
        function: crash.and_then(Frame::function).map(str::to_owned),
        ..Metadata::default()
    };
    Appearance {
        title: error_title(&metadata),
        location: metadata.filename.clone(),
        metadata,
    }
}

fn has_usable_function(frame: Frame<'_, '_>) -> bool {
    !matches!(frame.function(), None | Some("<redacted>" | "<unknown>"))
}

fn error_title(metadata: &Metadata) -> String {
    let Some(ty) = &metadata.ty else {
        return metadata
            .function
            .clone()
            .unwrap_or_else(|| "<unknown>".to_owned());
    };
    match metadata.value.as_deref().and_then(first_line) {
        Some(line) => format!("{ty}: {}", truncate(line, MAX_TITLE_TEXT)),
        None => ty.clone(),
    }
}

fn default(event: &Event<'_>) -> Appearance {
    let message = event.logentry().and_then(|entry| entry.text());
    let line = message
        .filter(|text| !text.trim().is_empty())
        .and_then(first_line);
    let title = match line {
        Some(line) => truncate(line, MAX_TITLE_TEXT),
        None => "<unlabeled event>".to_owned(),
    };
    Appearance {
        metadata: Metadata {
            title: Some(title.clone()),
            ..Metadata::default()
        },
        title,
        location: None,
    }
}

fn network_error(event: &Event<'_>) -> Appearance {
    let mut appearance = default(event);
    let url = event.request().and_then(|request| request.url());
    appearance.location = url.map(str::to_owned);
    appearance.metadata.uri.clone_from(&appearance.location);
    appearance
}

fn security(event: &Event<'_>, report: Report<'_, '_>, custom_title: Option<String>) -> Appearance {
    let message = event.logentry().and_then(|entry| entry.text());
    let metadata = Metadata {
        directive: report.directive().map(str::to_owned),
        uri: report.blocked_uri(),
        origin: report.hostname().map(str::to_owned),
        message: message.map(str::to_owned),
        title: custom_title.clone(),
        ..Metadata::default()
    };
    Appearance {
        title: message
            .map(|text| truncate(text, MAX_TITLE_TEXT))
            .or(custom_title)
            .unwrap_or_else(|| "<untitled>".to_owned()),
        location: metadata.uri.clone().or(metadata.origin.clone()),
        metadata,
    }
}

/// Where the event happened, in at most 200 characters; empty if nothing says so.
pub(crate) fn culprit(event: &Event<'_>) -> String {
    let said = ["culprit", "transaction"]
        .into_iter()
        .find_map(|key| event.get_str(key).filter(|text| !text.is_empty()));
    let culprit = match said {
        Some(said) => said.to_owned(),
        None => computed_culprit(event).unwrap_or_default(),
    };
    truncate(&culprit, MAX_CULPRIT)
}

fn computed_culprit(event: &Event<'_>) -> Option<String> {
    let last = event.exceptions().next_back();
    if last
        .and_then(Exception::mechanism)
        .is_some_and(|m| m.synthetic())
    {
        return None;
    }
    let stack: Option<Stacktrace<'_, '_>> = event
        .exceptions()
        .rev()
        .find_map(Exception::stacktrace)
        .or_else(|| event.stacktrace());
    match stack.and_then(|stack| crash::newest_in_app(stack, |_| true)) {
        Some(frame) => frame_culprit(frame, event.platform()),
        None => event.request()?.url().map(str::to_owned),
    }
}

fn frame_culprit(frame: Frame<'_, '_>, event_platform: &str) -> Option<String> {
    let function = frame.function().filter(|f| !f.is_empty()).unwrap_or("?");
    let platform = frame.platform().unwrap_or(event_platform);
    if matches!(platform, "native" | "objc" | "cocoa") {
        return Some(function.to_owned());
    }
    let module = frame.module().filter(|module| !module.is_empty());
    let place = module.or(frame.filename())?;
    Some(match platform {
        "javascript" | "node" => format!("{function}({place})"),
        _ => format!("{place} in {function}"),
    })
}

fn first_line(text: &str) -> Option<&str> {
    text.split(is_line_end)
        .next()
        .filter(|line| !line.is_empty())
}

/// The text, or its beginning and `...` if it is longer than `max_chars`.
fn truncate(text: &str, max_chars: usize) -> String {
    if text.chars().nth(max_chars).is_none() {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(max_chars.saturating_sub(3)).collect();
    out.push_str("...");
    out
}
