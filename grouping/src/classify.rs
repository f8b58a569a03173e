//! Prepares an event's frames for grouping: shortens function names, sets `in_app` and `category`.

use bugle_protocol::Event;
use bugle_protocol::event::{Exception, Stacktrace, Thread};
use bugle_protocol::json::{Json, Object};

use crate::enhancements::{ExceptionFacts, RuleFrame};
use crate::frame_fields::FrameFields;
use crate::function_name;
use crate::rules::Rules;

/// Where a frame keeps what the rules found out: its category, and the `in_app` that the client sent (-1 for none).
const DATA: &str = "data";
const CATEGORY: &str = "category";
const CLIENT_IN_APP: &str = "orig_in_app";

/// Shortens function names and sets `in_app` and `category` of all frames of the event.
///
/// The original name stays in `raw_function`, the client's `in_app` in `data.orig_in_app`. Running it again, also with
/// other rules, gives the same as running it once.
pub fn classify(event: &mut Event<'_>, rules: &Rules) {
    let platform = event.platform().to_owned();
    for_each_stack(&mut event.fields, &mut |owner, kind| {
        let Some(frames) = frames_mut(owner) else {
            return;
        };
        for frame in frames.iter_mut().filter_map(Json::as_object_mut) {
            prepare(frame, &platform);
        }
        let verdicts = verdicts(owner, kind, &platform, rules);
        let frames = frames_mut(owner).into_iter().flatten();
        for (frame, verdict) in frames.filter_map(Json::as_object_mut).zip(verdicts) {
            record(frame, verdict);
        }
    });
}

/// What a stack trace belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Exception,
    Other,
}

type Visit<'v, 'a> = dyn FnMut(&mut Object<'a>, Owner) + 'v;

/// Calls `visit` with everything that may have a stack trace: each exception, each thread, the event itself.
fn for_each_stack<'a>(event: &mut Object<'a>, visit: &mut Visit<'_, 'a>) {
    for (key, owner) in [("exception", Owner::Exception), ("threads", Owner::Other)] {
        let values = match event.get_mut(key) {
            Some(Json::Array(values)) => Some(values),
            Some(Json::Object(object)) => object.get_mut("values").and_then(Json::as_array_mut),
            _ => None,
        };
        for value in values.into_iter().flatten().filter_map(Json::as_object_mut) {
            visit(value, owner);
        }
    }
    visit(event, Owner::Other);
}

fn frames_mut<'o, 'a>(owner: &'o mut Object<'a>) -> Option<&'o mut Vec<Json<'a>>> {
    let stacktrace = owner.get_mut("stacktrace")?.as_object_mut()?;
    stacktrace.get_mut("frames")?.as_array_mut()
}

/// Undoes an earlier run's `in_app`, shortens the function name and drops a script's query string.
fn prepare(frame: &mut Object<'_>, event_platform: &str) {
    restore(frame);
    let platform = frame.get_str("platform").unwrap_or(event_platform);
    if platform == "javascript" {
        strip_query(frame);
    } else if function_name::is_shortened(platform) && !frame.contains_key("raw_function") {
        let function = frame.get_str("function").unwrap_or_default();
        if let Some(short) = function_name::shorten(function, platform) {
            let original = frame.insert("function", short).unwrap_or_default();
            frame.insert("raw_function", original);
        }
    }
}

fn restore(frame: &mut Object<'_>) {
    let Some(data) = frame.get_mut(DATA).and_then(Json::as_object_mut) else {
        return;
    };
    data.remove(CATEGORY);
    let original = data.remove(CLIENT_IN_APP);
    let is_empty = data.is_empty();
    match original.as_ref().and_then(Json::as_i64) {
        Some(0) => frame.insert("in_app", false),
        Some(1) => frame.insert("in_app", true),
        Some(_) => frame.remove("in_app"),
        None => None,
    };
    if is_empty {
        frame.remove(DATA);
    }
}

fn strip_query(frame: &mut Object<'_>) {
    let Some(filename) = frame.get_str("filename") else {
        return;
    };
    if let Some(end) = filename.find('?').filter(|end| *end > 0) {
        let stripped = filename[..end].to_owned();
        frame.insert("filename", stripped);
    }
}

/// What the rules say of a frame.
struct Verdict {
    in_app: bool,
    category: Option<String>,
}

fn verdicts(owner: &Object<'_>, kind: Owner, platform: &str, rules: &Rules) -> Vec<Verdict> {
    let Some(stacktrace) = owner.get("stacktrace").and_then(Json::as_object) else {
        return Vec::new();
    };
    let exception = (kind == Owner::Exception).then_some(Exception(owner));
    let mut frames: Vec<RuleFrame<'_>> = Stacktrace(stacktrace)
        .frames()
        .map(|frame| RuleFrame::new(&FrameFields::read(frame), platform))
        .collect();
    for enhancements in rules.enhancements() {
        enhancements.classify(&mut frames, &ExceptionFacts::of(exception));
    }
    let verdict = |frame: &RuleFrame<'_>| Verdict {
        in_app: frame.in_app.unwrap_or(false),
        category: frame.category.map(str::to_owned),
    };
    frames.iter().map(verdict).collect()
}

fn record(frame: &mut Object<'_>, verdict: Verdict) {
    let client_in_app = frame.get("in_app").and_then(Json::as_bool);
    let changed = client_in_app != Some(verdict.in_app);
    if !changed && verdict.category.is_none() {
        return;
    }
    let data = frame.get_or_insert_with(DATA, || Object::new().into());
    if data.as_object().is_none() {
        *data = Object::new().into();
    }
    let Some(data) = data.as_object_mut() else {
        return;
    };
    if changed {
        data.insert(CLIENT_IN_APP, client_in_app.map_or(-1, i64::from));
    }
    if let Some(category) = verdict.category {
        data.insert(CATEGORY, category);
    }
    frame.insert("in_app", verdict.in_app);
}

/// The stack trace of the only thread that may stand for the event: the one that crashed, else the current one, else the
/// only one there is.
pub(crate) fn main_thread<'t, 'a>(event: &'t Event<'a>) -> Option<Thread<'t, 'a>> {
    fn only<'t, 'a>(mut threads: impl Iterator<Item = Thread<'t, 'a>>) -> Option<Thread<'t, 'a>> {
        threads.next().filter(|_| threads.next().is_none())
    }
    only(event.threads().filter(|thread| thread.crashed()))
        .or_else(|| only(event.threads().filter(|thread| thread.current())))
        .or_else(|| only(event.threads()))
}
