//! GraphQL hides the names of its fields from key rules: a request holds its values in `variables`, and the response repeats
//! them.

use bugle_protocol::json::{Json, Object};
use bugle_protocol::meta::{Remark, RemarkKind};
use bugle_protocol::{Event, Meta};

use super::config::Redaction;

/// The rule that remarks name.
pub(super) const RULE: &str = "@anything:filter";

/// Replaces the variables of a GraphQL request, and in the response the fields of their names; the whole response if the
/// request has no variables. Says whether it did anything.
pub(super) fn scrub(event: &mut Event<'_>, meta: &mut Meta) -> bool {
    let Some(Json::Object(request)) = event.fields.get_mut("request") else {
        return false;
    };
    if request.get_str("api_target") != Some("graphql") {
        return false;
    }
    let mut filtered = false;
    let mut names = Vec::new();
    if let Some(variables) = object_at(request, &["data", "variables"]) {
        let notes = meta.at_mut(["request", "data", "variables"]);
        for (name, value) in variables.iter_mut() {
            names.push(name.to_owned());
            filtered |= filter(value, notes.child_mut(name));
        }
    }
    let response = object_at(&mut event.fields, &["contexts", "response", "data"]);
    if let Some(data) = response.and_then(|response| response.get_mut("data")) {
        let notes = meta.at_mut(["contexts", "response", "data", "data"]);
        filtered |= match names.is_empty() {
            true => filter(data, notes),
            false => filter_named(data, &names, notes),
        };
    }
    filtered
}

fn object_at<'t, 'a>(object: &'t mut Object<'a>, path: &[&str]) -> Option<&'t mut Object<'a>> {
    path.iter()
        .try_fold(object, |object, key| object.get_mut(key)?.as_object_mut())
}

fn filter_named(value: &mut Json<'_>, names: &[String], notes: &mut Meta) -> bool {
    let mut filtered = false;
    match value {
        Json::Object(object) => {
            for (key, value) in object.iter_mut() {
                let notes = notes.child_mut(key);
                filtered |= match names.iter().any(|name| name == key) {
                    true => filter(value, notes),
                    false => filter_named(value, names, notes),
                };
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                filtered |= filter_named(item, names, notes.child_mut(&index.to_string()));
            }
        }
        _ => {}
    }
    filtered
}

fn filter(value: &mut Json<'_>, notes: &mut Meta) -> bool {
    if value.is_null() || value.as_str() == Some(Redaction::FILTERED) {
        return false;
    }
    *value = Json::from(Redaction::FILTERED);
    let remark = Remark::new(RULE, RemarkKind::Substituted).at(0, Redaction::FILTERED.len());
    notes.note_mut().remarks = vec![remark];
    true
}
