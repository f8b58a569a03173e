//! Threads, contexts and the client library.

use bugle_protocol::Json;
use bugle_protocol::event::{Sdk, Thread};
use bugle_protocol::json;
use serde::Serialize;

use super::fields::Field;
use super::frames::{Opening, StackView};
use super::noted::Noted;

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ThreadView {
    id: Option<String>,
    name: Option<String>,
    state: Option<String>,
    crashed: bool,
    current: bool,
    stack: Option<StackView>,
}

/// A context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Context {
    title: String,
    fields: Vec<Field>,
}

/// The client library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SdkView {
    name: String,
    version: Option<String>,
    /// What it was combined with, such as `django`.
    integrations: Vec<String>,
}

/// The threads, the crashed one first, then the current one, then in the order of the client.
pub(super) fn threads(threads: Option<Noted<'_, '_>>) -> Vec<ThreadView> {
    let Some(list) = threads.map(Noted::values) else {
        return Vec::new();
    };
    let mut views: Vec<ThreadView> = list.items().filter_map(thread).collect();
    views.sort_by_key(|thread| (!thread.crashed, !thread.current));
    views
}

fn thread(noted: Noted<'_, '_>) -> Option<ThreadView> {
    let thread = Thread(noted.object()?);
    let opening = match thread.crashed() || thread.current() {
        true => Opening::Main,
        false => Opening::Closed,
    };
    Some(ThreadView {
        id: thread.id().map(|id| match id {
            Json::String(text) => text.to_string(),
            other => json::to_string(other),
        }),
        name: thread.name().map(str::to_owned),
        state: noted.str("state").map(str::to_owned),
        crashed: thread.crashed(),
        current: thread.current(),
        stack: noted
            .get("stacktrace")
            .and_then(|stack| StackView::new(stack, opening)),
    })
}

/// The contexts that say anything, each a table.
pub(super) fn contexts(contexts: Option<Noted<'_, '_>>) -> Vec<Context> {
    let members = contexts.into_iter().flat_map(Noted::members);
    members
        .map(|(name, context)| Context {
            title: title(name),
            fields: context_fields(name, context),
        })
        .filter(|context| !context.fields.is_empty())
        .collect()
}

/// A context's fields without those that say again what the others say (its type, and name and version in one text),
/// and without what is null.
fn context_fields(name: &str, context: Noted<'_, '_>) -> Vec<Field> {
    let kind = context.json.get_str("type").unwrap_or(name).to_owned();
    let has_name = context.json.get_str("name").is_some();
    context
        .members()
        .filter(|(key, value)| !(*key == "type" && value.json.as_str() == Some(&kind)))
        .filter(|(key, _)| !(has_name && *key == kind))
        .filter(|(_, value)| !value.json.is_null() || value.meta.is_some())
        .map(|(key, value)| Field::new(key, value))
        .collect()
}

fn title(name: &str) -> String {
    match name {
        "os" | "client_os" => "Operating system".to_owned(),
        "gpu" => "GPU".to_owned(),
        other => humanize(other),
    }
}

/// `invalid_data` as `Invalid data`.
pub(super) fn humanize(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first
        .chain(chars.map(|c| if c == '_' { ' ' } else { c }))
        .collect()
}

impl SdkView {
    /// Reads an `sdk`; none without a name.
    pub(super) fn new(noted: Noted<'_, '_>) -> Option<Self> {
        let sdk = Sdk(noted.object()?);
        let integrations = noted.get("integrations");
        let integrations = integrations.iter().flat_map(|list| list.items());
        Some(Self {
            name: sdk.name()?.to_owned(),
            version: sdk.version().map(str::to_owned),
            integrations: integrations
                .filter_map(|name| name.json.as_str().map(str::to_owned))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_for_people() {
        for (name, shown) in [
            ("invalid_data", "Invalid data"),
            ("", ""),
            ("größe", "Größe"),
        ] {
            assert_eq!(humanize(name), shown);
        }
        assert_eq!(title("gpu"), "GPU");
        assert_eq!(title("cloud_resource"), "Cloud resource");
    }
}
