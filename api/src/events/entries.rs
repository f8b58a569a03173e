//! The parts of an event that Sentry calls entries: `{"type": ..., "data": ...}`.

use bugle_protocol::event::{Breadcrumb, Exception, Request, Thread};
use bugle_protocol::json::Object;
use bugle_protocol::{Event, Json, UnixMillis};
use serde::Serialize;

use super::stacktrace::StacktraceShape;

/// One entry.
#[derive(Serialize)]
pub(crate) struct Entry<'t, 'a> {
    #[serde(rename = "type")]
    ty: &'static str,
    data: Data<'t, 'a>,
    /// The attribute of the event that this is, whose notes belong to this entry.
    #[serde(skip)]
    pub(crate) attribute: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'t, 'a> {
    Exception(Exceptions<'t, 'a>),
    Message(Message<'t, 'a>),
    Stacktrace(StacktraceShape<'t, 'a>),
    Threads(Values<ThreadShape<'t, 'a>>),
    Breadcrumbs(Values<BreadcrumbShape<'t, 'a>>),
    Request(RequestShape<'t, 'a>),
    /// As the event has it.
    Plain(&'t Json<'a>),
}

#[derive(Serialize)]
struct Values<T> {
    values: Vec<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exceptions<'t, 'a> {
    values: Vec<ExceptionShape<'t, 'a>>,
    has_system_frames: bool,
    exc_omitted: Option<()>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExceptionShape<'t, 'a> {
    #[serde(rename = "type")]
    ty: Option<&'t str>,
    value: Option<&'t str>,
    module: Option<&'t str>,
    thread_id: Option<&'t Json<'a>>,
    /// Its names have underscores at Sentry too.
    mechanism: Option<&'t Object<'a>>,
    stacktrace: Option<StacktraceShape<'t, 'a>>,
    raw_stacktrace: Option<()>,
}

#[derive(Serialize)]
struct Message<'t, 'a> {
    message: Option<&'t str>,
    formatted: Option<&'t str>,
    params: Option<&'t Json<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThreadShape<'t, 'a> {
    id: Option<&'t Json<'a>>,
    name: Option<&'t str>,
    current: bool,
    crashed: bool,
    state: Option<&'t str>,
    held_locks: Option<&'t Json<'a>>,
    stacktrace: Option<StacktraceShape<'t, 'a>>,
    raw_stacktrace: Option<()>,
}

#[derive(Serialize)]
struct BreadcrumbShape<'t, 'a> {
    #[serde(rename = "type")]
    ty: &'t str,
    category: Option<&'t str>,
    level: &'t str,
    message: Option<&'t str>,
    timestamp: Option<String>,
    data: Option<&'t Object<'a>>,
    event_id: Option<&'t str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestShape<'t, 'a> {
    url: Option<&'t str>,
    method: Option<&'t str>,
    query: Vec<(&'t str, &'t str)>,
    fragment: Option<&'t str>,
    data: Option<&'t Json<'a>>,
    headers: Vec<(&'t str, &'t str)>,
    cookies: Vec<(&'t str, &'t str)>,
    env: Option<&'t Json<'a>>,
    inferred_content_type: Option<&'t str>,
    api_target: Option<&'t str>,
}

/// Attributes that are entries as they stand, with the entry's type.
const PLAIN: [(&str, &str); 7] = [
    ("template", "template"),
    ("csp", "csp"),
    ("hpkp", "hpkp"),
    ("expectct", "expectct"),
    ("expectstaple", "expectstaple"),
    ("spans", "spans"),
    ("debug_meta", "debugmeta"),
];

/// The entries that an event has, what matters most first.
pub(crate) fn entries<'t, 'a>(event: &'t Event<'a>) -> Vec<Entry<'t, 'a>> {
    let known = [
        entry("message", "logentry", message(event)),
        entry("exception", "exception", exceptions(event)),
        entry("stacktrace", "stacktrace", stacktrace(event)),
        entry("threads", "threads", threads(event)),
        entry("breadcrumbs", "breadcrumbs", breadcrumbs(event)),
        entry("request", "request", request(event)),
    ];
    let plain = PLAIN
        .into_iter()
        .map(|(attribute, ty)| entry(ty, attribute, event.get(attribute).map(Data::Plain)));
    known.into_iter().chain(plain).flatten().collect()
}

fn entry<'t, 'a>(
    ty: &'static str,
    attribute: &'static str,
    data: Option<Data<'t, 'a>>,
) -> Option<Entry<'t, 'a>> {
    data.map(|data| Entry {
        ty,
        data,
        attribute,
    })
}

fn message<'t, 'a>(event: &'t Event<'a>) -> Option<Data<'t, 'a>> {
    let logentry = event.logentry()?;
    Some(Data::Message(Message {
        message: logentry.message(),
        formatted: Some(logentry.text()?),
        params: logentry.0.get("params"),
    }))
}

fn exceptions<'t, 'a>(event: &'t Event<'a>) -> Option<Data<'t, 'a>> {
    let values: Vec<_> = event.exceptions().map(exception).collect();
    let mut frames = event
        .exceptions()
        .filter_map(|e| e.stacktrace())
        .flat_map(|s| s.frames());
    (!values.is_empty()).then(|| {
        Data::Exception(Exceptions {
            has_system_frames: frames.any(|frame| frame.in_app() == Some(true)),
            values,
            exc_omitted: None,
        })
    })
}

fn exception<'t, 'a>(exception: Exception<'t, 'a>) -> ExceptionShape<'t, 'a> {
    ExceptionShape {
        ty: exception.ty(),
        value: exception.value(),
        module: exception.module(),
        thread_id: exception.0.get("thread_id"),
        mechanism: exception.mechanism().map(|mechanism| mechanism.0),
        stacktrace: exception.stacktrace().map(StacktraceShape::new),
        raw_stacktrace: None,
    }
}

fn stacktrace<'t, 'a>(event: &'t Event<'a>) -> Option<Data<'t, 'a>> {
    let stacktrace = event.stacktrace()?;
    stacktrace.frames().next()?;
    Some(Data::Stacktrace(StacktraceShape::new(stacktrace)))
}

fn threads<'t, 'a>(event: &'t Event<'a>) -> Option<Data<'t, 'a>> {
    let values: Vec<_> = event.threads().map(thread).collect();
    (!values.is_empty()).then_some(Data::Threads(Values { values }))
}

fn thread<'t, 'a>(thread: Thread<'t, 'a>) -> ThreadShape<'t, 'a> {
    ThreadShape {
        id: thread.id(),
        name: thread.name(),
        current: thread.current(),
        crashed: thread.crashed(),
        state: thread.0.get_str("state"),
        held_locks: thread.0.get("held_locks"),
        stacktrace: thread.stacktrace().map(StacktraceShape::new),
        raw_stacktrace: None,
    }
}

fn breadcrumbs<'t, 'a>(event: &'t Event<'a>) -> Option<Data<'t, 'a>> {
    let values: Vec<_> = event.breadcrumbs().map(breadcrumb).collect();
    (!values.is_empty()).then_some(Data::Breadcrumbs(Values { values }))
}

fn breadcrumb<'t, 'a>(crumb: Breadcrumb<'t, 'a>) -> BreadcrumbShape<'t, 'a> {
    let time = crumb.timestamp().map(UnixMillis::from_seconds);
    BreadcrumbShape {
        ty: crumb.ty().unwrap_or("default"),
        category: crumb.category(),
        level: crumb.level().unwrap_or("info"),
        message: crumb.message(),
        timestamp: time.map(UnixMillis::to_rfc3339),
        data: crumb.data(),
        event_id: crumb.0.get_str("event_id"),
    }
}

fn request<'t, 'a>(event: &'t Event<'a>) -> Option<Data<'t, 'a>> {
    let request: Request<'t, 'a> = event.request()?;
    Some(Data::Request(RequestShape {
        url: request.url(),
        method: request.method(),
        query: request.query_string().collect(),
        fragment: request.0.get_str("fragment"),
        data: request.data(),
        headers: request.headers().collect(),
        cookies: request.cookies().collect(),
        env: request.0.get("env"),
        inferred_content_type: request.0.get_str("inferred_content_type"),
        api_target: request.0.get_str("api_target"),
    }))
}
