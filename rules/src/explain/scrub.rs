//! Answers cases about scrubbing: what would be redacted, what settings mean, whether a rule is valid.

mod typed;

use std::collections::BTreeSet;

use bugle_protocol::Meta;
use bugle_protocol::json::{self, Json, Object};
use serde::de::DeserializeOwned;

use crate::documents::ScrubbingDocument;
use crate::scrub::{PiiConfig, ScrubSettings, Scrubber, Selector, suggest, with_chunks};

/// Answers one case, a JSON object with `id`, `op` and the members of its op, with `{"id","output"}`.
///
/// Ops and what they answer: `scrub` (`config` with `pii?`, `datascrubbing?` and `detectors?`, `input_event`) the event, as
/// Sentry's settings and rules have it unless detectors beyond them are named; `convert`
/// (`config`) the rules that settings stand for; `selector` (`selector`) and `pii_config` (`text`) `{"valid","message"?}`;
/// `suggest` (`input_event`) a list of `{"path","value"}`; `chunks` (`data`, `meta`) the notes with chunks. What cannot be
/// answered is `{"error": text}`; `None` means that the case is not JSON or of another op.
#[must_use]
pub fn case(text: &str) -> Option<String> {
    let case = json::parse_str(text).ok()?;
    let output = match case.get_str("op")? {
        "scrub" => scrub(&case),
        "convert" => convert(&case),
        "selector" => Ok(verdict(
            case.get_str("selector")
                .unwrap_or_default()
                .parse::<Selector>(),
        )),
        "pii_config" => Ok(verdict(check_config(
            case.get_str("text").unwrap_or_default(),
        ))),
        "suggest" => Ok(suggestions(&case)),
        "chunks" => Ok(chunks(&case)),
        _ => return None,
    };
    let output = output.unwrap_or_else(|error| object([("error", Json::from(error))]));
    let id = case.get_str("id").unwrap_or_default();
    Some(json::to_string(&object([
        ("id", Json::from(id)),
        ("output", output),
    ])))
}

fn scrub(case: &Json<'_>) -> Result<Json<'static>, String> {
    let config = case.get("config");
    let part = |key| config.and_then(|config| config.get(key));
    let settings = match part("datascrubbing") {
        Some(settings) => read(settings)?,
        None => ScrubSettings::off(),
    };
    let advanced = match part("pii") {
        Some(rules) => {
            PiiConfig::parse(&json::to_string(rules)).map_err(|error| error.to_string())?
        }
        None => PiiConfig::default(),
    };
    let detectors = match part("detectors") {
        Some(detectors) => read(detectors)?,
        None => BTreeSet::new(),
    };
    let document = ScrubbingDocument {
        settings,
        detectors,
        advanced,
    };
    // A rule that cannot be compiled is left out, so that the others can be tried.
    let (scrubber, _) = Scrubber::of_document(&document);
    let Some(Json::Object(fields)) = case.get("input_event").cloned() else {
        return Err("input_event is not an object".to_owned());
    };
    let (mut event, mut meta) = typed::event(fields);
    scrubber.scrub(&mut event, &mut meta);
    if !meta.is_empty() {
        event.fields.insert("_meta", meta.to_json());
    }
    Ok(Json::Object(event.fields).into_owned())
}

fn read<T: DeserializeOwned>(part: &Json<'_>) -> Result<T, String> {
    serde_json::from_str(&json::to_string(part)).map_err(|error| error.to_string())
}

fn convert(case: &Json<'_>) -> Result<Json<'static>, String> {
    let settings = case.get("config").map_or(Ok(ScrubSettings::off()), read)?;
    let text = serde_json::to_string(&settings.to_config()).map_err(|error| error.to_string())?;
    let parsed = json::parse_str(&text).map_err(|error| error.to_string())?;
    Ok(parsed.into_owned())
}

fn check_config(text: &str) -> Result<(), String> {
    let config = PiiConfig::parse(text).map_err(|error| error.to_string())?;
    let checked = Scrubber::new(&ScrubSettings::off(), &config);
    checked.map(drop).map_err(|error| error.to_string())
}

fn verdict<T, E: std::fmt::Display>(result: Result<T, E>) -> Json<'static> {
    match result {
        Ok(_) => object([("valid", Json::Bool(true))]),
        Err(error) => object([
            ("valid", Json::Bool(false)),
            ("message", Json::from(error.to_string())),
        ]),
    }
}

fn suggestions(case: &Json<'_>) -> Json<'static> {
    let Some(Json::Object(fields)) = case.get("input_event").cloned() else {
        return Json::Array(Vec::new());
    };
    let (event, _) = typed::event(fields);
    let offered = suggest(&event).into_iter().map(|suggestion| {
        object([
            ("path", Json::from(suggestion.selector.to_string())),
            ("value", suggestion.value.map_or(Json::Null, Json::from)),
        ])
    });
    Json::Array(offered.collect())
}

fn chunks(case: &Json<'_>) -> Json<'static> {
    let meta = case.get("meta").map(Meta::from_json).unwrap_or_default();
    with_chunks(case.get("data").unwrap_or(&Json::Null), &meta)
}

fn object<'a, const N: usize>(members: [(&'static str, Json<'a>); N]) -> Json<'a> {
    Json::Object(Object::from_iter(members))
}
