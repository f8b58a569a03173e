//! Answers about single cases in JSON: what grouping would do with an event, a message or a rule, and why.
//!
//! Each function takes one line and gives one line, so that a file of cases can be streamed through. Events are handed
//! to `normalize` before anything else looks at them.

use bugle_protocol::event::{Event, Exception, Stacktrace};
use bugle_protocol::json::{self, Json, Object};

use crate::classify;
use crate::enhancements::{ExceptionFacts, RuleFrame};
use crate::frame_fields::FrameFields;
use crate::group as grouping;
use crate::lexer::RuleError;
use crate::message;
use crate::result::{Grouping, Variant};
use crate::rules::Rules;
use crate::stack::{Reason, Stack, StackFrame, View};
use crate::title::EventKind;

/// Why a line has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// It is not JSON.
    #[error("invalid JSON: {0}")]
    Json(#[from] json::ParseError),
    /// A member is missing or of the wrong type.
    #[error("expected the member '{0}'")]
    Missing(&'static str),
    /// The case's own rules are invalid.
    #[error("invalid rules: {0}")]
    Rules(#[from] RuleError),
}

/// Groups an event: `{"name", "event"}` gives `{"name", "type", "level", "title", "culprit", "location", "metadata",
/// "variants", "frames"}`; each of `frames` says of one frame what it contributes and why it does not.
///
/// The event may bring rules of its own: `_grouping.enhancements` is a text, `_fingerprinting_rules` a text or a list of
/// `{"matchers": [[key, pattern]], "fingerprint": [..], "attributes": {"title"?}}`.
///
/// # Errors
/// [`ExplainError`] if the line is no such case.
pub fn group(
    line: &str,
    normalize: impl for<'e> FnOnce(Event<'e>) -> Event<'e>,
) -> Result<String, ExplainError> {
    let mut case = parse_case(line)?;
    let event = take_event(&mut case)?;
    let enhancements = event
        .get("_grouping")
        .and_then(|grouping| grouping.get_str("enhancements"))
        .unwrap_or_default();
    let fingerprinting = fingerprint_text(event.get("_fingerprinting_rules"));
    let rules = Rules::new(enhancements, &fingerprinting)?;
    let mut event = normalize(event);
    classify::classify(&mut event, &rules);
    let grouping = grouping::group(&event, &rules);
    let mut answer = describe(&event, &grouping);
    answer.insert("name", case.remove("name").unwrap_or_default());
    answer.insert("frames", frames(&event, &rules));
    Ok(json::to_string(&answer.into()))
}

/// Parameterises a message: `{"input", "mode"?}` gives the same with `output`. The mode `normalise` also cuts the text to
/// its first two lines.
///
/// # Errors
/// [`ExplainError`] if the line is no such case.
pub fn message(line: &str) -> Result<String, ExplainError> {
    let mut case = parse_case(line)?;
    let input = case
        .get_str("input")
        .ok_or(ExplainError::Missing("input"))?;
    let output = match case.get_str("mode") {
        Some("normalise") => message::normalise(input),
        _ => message::parameterise_whole(input),
    };
    case.insert("output", output);
    Ok(json::to_string(&case.into()))
}

/// Tries stack trace rules on frames: `{"name", "rules", "platform", "frames", "exception"?, "builtin_rules"?}` gives
/// `{"name", "valid", "error"?, "classified": [{"in_app", "category"}], "app": {"frames": [bool], "stacktrace": bool},
/// "system": {..}}`. `builtin_rules` (default true) says whether the built-in rules run first.
///
/// # Errors
/// [`ExplainError`] if the line is no such case; invalid rules are an answer.
pub fn enhancements(
    line: &str,
    normalize: impl for<'e> FnOnce(Event<'e>) -> Event<'e>,
) -> Result<String, ExplainError> {
    let mut case = parse_case(line)?;
    let mut answer = Object::new();
    answer.insert("name", case.remove("name").unwrap_or_default());
    let text = case
        .get_str("rules")
        .ok_or(ExplainError::Missing("rules"))?;
    match Rules::new(text, "") {
        Ok(rules) => {
            let builtin = case.get("builtin_rules").and_then(Json::as_bool);
            let rules = match builtin {
                Some(false) => rules.without_builtin_enhancements(),
                _ => rules,
            };
            answer.insert("valid", true);
            let mut event = normalize(event_of_frames(case));
            classify::classify(&mut event, &rules);
            try_enhancements(&event, &rules, &mut answer);
        }
        Err(error) => {
            answer.insert("valid", false);
            answer.insert("error", error.to_string());
        }
    }
    Ok(json::to_string(&answer.into()))
}

/// Tries fingerprint rules on an event: `{"name", "event", "rules_text"}` gives `{"name", "matched_rule", "title",
/// "variants"}`; `matched_rule` is the index of the project's rule.
///
/// # Errors
/// [`ExplainError`] if the line is no such case, also if the rules are invalid.
pub fn fingerprint(
    line: &str,
    normalize: impl for<'e> FnOnce(Event<'e>) -> Event<'e>,
) -> Result<String, ExplainError> {
    let mut case = parse_case(line)?;
    let text = match case.get_str("rules_text") {
        Some(text) => text.to_owned(),
        None => fingerprint_text(case.get("rules")),
    };
    let rules = Rules::new("", &text)?;
    let mut event = normalize(take_event(&mut case)?);
    classify::classify(&mut event, &rules);
    let grouping = grouping::group(&event, &rules);
    let mut answer = describe(&event, &grouping);
    answer.insert("name", case.remove("name").unwrap_or_default());
    let project_rule = grouping.fingerprint_rule.filter(|rule| !rule.built_in);
    let index = project_rule.map_or(Json::Null, |rule| Json::from(rule.index as u64));
    answer.insert("matched_rule", index);
    Ok(json::to_string(&answer.into()))
}

/// What each frame of the exceptions, of the thread that stands for the event and of the event's own stack trace
/// contributes to the hashes, and why it does not, as a list of `{"part", "frame", "in_app", "in_app_rule", "category", "app",
/// "system", "values"}`: `part` names the stack trace, `frame` counts from the outermost call, `in_app_rule` is the rule that
/// decided `in_app` (null: the client did), `app` and `system` hold the reason why the frame is left out of the variant, or
/// null if it counts.
#[must_use]
pub fn frames(event: &Event<'_>, rules: &Rules) -> Json<'static> {
    let mut rows = Vec::new();
    for (index, exception) in event.exceptions().enumerate() {
        if let Some(stacktrace) = exception.stacktrace() {
            let trace = Trace {
                part: format!("exception.{index}"),
                stacktrace,
                exception: Some(exception),
            };
            trace.describe(event.platform(), rules, &mut rows);
        }
    }
    let thread = classify::main_thread(event).and_then(|thread| thread.stacktrace());
    for (part, stacktrace) in [("thread", thread), ("stacktrace", event.stacktrace())] {
        if let Some(stacktrace) = stacktrace {
            let trace = Trace {
                part: part.to_owned(),
                stacktrace,
                exception: None,
            };
            trace.describe(event.platform(), rules, &mut rows);
        }
    }
    rows.into()
}

/// A stack trace and where it stands.
struct Trace<'t, 'a> {
    part: String,
    stacktrace: Stacktrace<'t, 'a>,
    exception: Option<Exception<'t, 'a>>,
}

impl<'t> Trace<'t, '_> {
    fn describe(&self, platform: &str, rules: &'t Rules, rows: &mut Vec<Json<'static>>) {
        let stack = Stack::new(self.stacktrace, self.exception, platform, rules);
        let mut classified: Vec<RuleFrame<'_>> = self
            .stacktrace
            .frames()
            .map(|frame| RuleFrame::new(&FrameFields::read(frame).as_sent(), platform))
            .collect();
        for enhancements in rules.enhancements() {
            enhancements.classify(&mut classified, &ExceptionFacts::of(self.exception));
        }
        for ((frame, classified), index) in stack.frames.iter().zip(classified).zip(0_u64..) {
            let mut row = Object::new();
            row.insert("part", self.part.clone());
            row.insert("frame", index);
            row.insert("in_app", classified.in_app.unwrap_or(false));
            let rule = classified.in_app_rule.map(|rule| rule.source().to_owned());
            row.insert("in_app_rule", rule.map_or(Json::Null, Json::from));
            let category = classified.category.map(str::to_owned);
            row.insert("category", category.map_or(Json::Null, Json::from));
            row.insert("app", reason(&stack, frame, View::App));
            row.insert("system", reason(&stack, frame, View::System));
            row.insert("values", frame_values(frame));
            rows.push(row.into());
        }
    }
}

fn reason(stack: &Stack<'_>, frame: &StackFrame<'_>, view: View) -> Json<'static> {
    match (frame.ignored(view), stack.ignored(view)) {
        (Some(Reason::Fact(fact)), _) => fact.into(),
        (Some(Reason::Rule(rule)), _) => Json::from(format!("stack trace rule: {}", rule.source())),
        (None, Some(fact)) => fact.into(),
        (None, None) => Json::Null,
    }
}

fn frame_values(frame: &StackFrame<'_>) -> Json<'static> {
    let parts = frame.parts.parts().into_iter();
    let values = parts.filter_map(|(kind, part)| {
        let mut value = Object::new();
        value.insert("kind", kind.as_str());
        value.insert("value", part.value.as_ref()?.to_string());
        value.insert("ignored", part.hint.map_or(Json::Null, Json::from));
        Some(Json::from(value))
    });
    values.collect::<Vec<_>>().into()
}

fn parse_case(line: &str) -> Result<Object<'_>, ExplainError> {
    match json::parse_str(line)? {
        Json::Object(case) => Ok(case),
        _ => Err(ExplainError::Missing("name")),
    }
}

fn take_event<'a>(case: &mut Object<'a>) -> Result<Event<'a>, ExplainError> {
    match case.remove("event") {
        Some(Json::Object(fields)) => Ok(Event { fields }),
        _ => Err(ExplainError::Missing("event")),
    }
}

/// Makes an event of the frames and the exception of a case.
fn event_of_frames<'a>(mut case: Object<'a>) -> Event<'a> {
    let mut exception = match case.remove("exception") {
        Some(Json::Object(exception)) => exception,
        _ => Object::new(),
    };
    let frames = case.remove("frames").unwrap_or_default();
    exception.insert("stacktrace", Object::from_iter([("frames", frames)]));
    let platform = case.remove("platform").unwrap_or_default();
    let values = Json::from(vec![Json::from(exception)]);
    let exception = Json::from(Object::from_iter([("values", values)]));
    Event {
        fields: Object::from_iter([("platform", platform), ("exception", exception)]),
    }
}

fn try_enhancements(event: &Event<'_>, rules: &Rules, answer: &mut Object<'_>) {
    let exception = event.exceptions().next();
    let Some((exception, stacktrace)) = exception.and_then(|e| Some((e, e.stacktrace()?))) else {
        return;
    };
    let classified = stacktrace.frames().map(|frame| {
        let mut row = Object::new();
        row.insert("in_app", frame.in_app().unwrap_or(false));
        let category = FrameFields::read(frame).category.map(str::to_owned);
        row.insert("category", category.map_or(Json::Null, Json::from));
        Json::from(row)
    });
    answer.insert("classified", classified.collect::<Vec<_>>());
    let stack = Stack::new(stacktrace, Some(exception), event.platform(), rules);
    for (name, view) in [("app", View::App), ("system", View::System)] {
        let counts = |frame: &StackFrame<'_>| Json::from(frame.counts(view));
        let mut row = Object::new();
        row.insert(
            "frames",
            stack.frames.iter().map(counts).collect::<Vec<_>>(),
        );
        row.insert("stacktrace", stack.counts(view));
        answer.insert(name, row);
    }
}

fn describe(event: &Event<'_>, grouping: &Grouping) -> Object<'static> {
    let mut answer = Object::new();
    answer.insert("type", EventKind::of(event).as_str());
    answer.insert("level", event.level().as_str());
    answer.insert("title", grouping.title.clone());
    answer.insert("culprit", grouping.culprit.clone());
    answer.insert(
        "location",
        grouping.location.clone().map_or(Json::Null, Json::from),
    );
    let metadata = grouping.metadata.iter();
    let metadata: Object<'static> = metadata
        .map(|(key, value)| (key, Json::from(value.to_owned())))
        .collect();
    answer.insert("metadata", metadata);
    let variants = grouping.variants.iter().map(variant);
    answer.insert("variants", variants.collect::<Vec<_>>());
    answer
}

fn variant(variant: &Variant) -> Json<'static> {
    let mut object = Object::new();
    object.insert("name", variant.name.as_str());
    object.insert("kind", variant.kind.as_str());
    object.insert("contributes", variant.contributes());
    if let Some(hint) = &variant.hint {
        object.insert("hint", hint.to_string());
    }
    if let Some(hash) = variant.hash {
        object.insert("hash", hash.to_string());
    }
    let values = variant.values.iter().map(|leaf| {
        let pair = [leaf.kind.as_str().to_owned(), leaf.value.clone()];
        Json::from(pair.map(Json::from).to_vec())
    });
    object.insert("values", values.collect::<Vec<_>>());
    if let Some(fingerprint) = &variant.fingerprint {
        let entries = fingerprint.iter().cloned().map(Json::from);
        object.insert("fingerprint", entries.collect::<Vec<_>>());
    }
    object.into()
}

/// Rules as text; a list of structures is written in the rules' language.
fn fingerprint_text(rules: Option<&Json<'_>>) -> String {
    match rules {
        Some(Json::String(text)) => text.to_string(),
        Some(Json::Array(rules)) => rules.iter().map(rule_text).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

fn rule_text(rule: &Json<'_>) -> String {
    let list = |key| rule.get(key).and_then(Json::as_array).unwrap_or_default();
    let mut words: Vec<String> = Vec::new();
    for matcher in list("matchers") {
        let part = |i: usize| {
            matcher
                .as_array()
                .and_then(|m| m.get(i)?.as_str())
                .unwrap_or_default()
        };
        let (negation, key) = match part(0).strip_prefix('!') {
            Some(key) => ("!", key),
            None => ("", part(0)),
        };
        words.push(format!("{negation}{}:{}", quoted(key), quoted(part(1))));
    }
    words.push("->".to_owned());
    words.extend(
        list("fingerprint")
            .iter()
            .filter_map(Json::as_str)
            .map(quoted),
    );
    if let Some(title) = rule.at(&["attributes", "title"]).and_then(Json::as_str) {
        words.push(format!("title={}", quoted(title)));
    }
    words.join(" ")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', r#"\""#))
}
