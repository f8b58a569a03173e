//! The least of what normalising does before grouping, so that these tests stand on their own.

use bugle_protocol::Event;
use bugle_protocol::json::{Json, Object};

/// Makes a log entry of a plain message, a list of a single exception and of a map of tags, and gives frames both file and path.
pub(crate) fn prepare(mut event: Event<'_>) -> Event<'_> {
    if let (Some(Json::String(message)), None) = (event.fields.remove("message"), event.logentry())
    {
        let entry = Object::from_iter([("formatted", Json::String(message))]);
        event.fields.insert("logentry", entry);
    }
    let exception = event.fields.get_mut("exception");
    if let Some(exception) =
        exception.filter(|e| e.get("values").is_none() && e.as_object().is_some())
    {
        *exception = Json::Array(vec![exception.take()]);
    }
    if let Some(Json::Object(tags)) = event.fields.get_mut("tags") {
        let pairs = std::mem::take(tags).into_iter();
        let pairs = pairs.map(|(key, value)| Json::Array(vec![Json::String(key), value]));
        let pairs = Json::Array(pairs.collect());
        event.fields.insert("tags", pairs);
    }
    for key in ["exception", "threads"] {
        let values = match event.fields.get_mut(key) {
            Some(Json::Array(values)) => Some(values),
            Some(Json::Object(object)) => object.get_mut("values").and_then(Json::as_array_mut),
            _ => None,
        };
        for value in values.into_iter().flatten().filter_map(Json::as_object_mut) {
            prepare_frames(value);
        }
    }
    prepare_frames(&mut event.fields);
    event
}

fn prepare_frames(owner: &mut Object<'_>) {
    let frames = owner
        .get_mut("stacktrace")
        .and_then(Json::as_object_mut)
        .and_then(|stacktrace| stacktrace.get_mut("frames")?.as_array_mut());
    for frame in frames.into_iter().flatten().filter_map(Json::as_object_mut) {
        match (
            frame.get("filename").cloned(),
            frame.get("abs_path").cloned(),
        ) {
            (Some(filename), None) => frame.insert("abs_path", filename),
            (None, Some(Json::String(path))) => frame.insert("filename", url_path(&path)),
            _ => None,
        };
    }
}

/// The path of a URL without query and fragment; any other text as it is.
fn url_path(url: &str) -> String {
    let Some((_, behind_scheme)) = url.split_once("://") else {
        return url.to_owned();
    };
    let path = behind_scheme
        .find('/')
        .map_or("", |at| &behind_scheme[at..]);
    path.split(['?', '#']).next().unwrap_or_default().to_owned()
}
