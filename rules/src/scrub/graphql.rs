//! GraphQL hides the names of its fields from key rules: a request holds its values in `variables`, and the response repeats
//! them.

use bugle_protocol::json::{Json, Object};
use bugle_protocol::meta::{Remark, RemarkKind};
use bugle_protocol::{Event, Meta};

use super::config::Redaction;

const RULE: &str = "@anything:filter";

/// Replaces the variables of a GraphQL request, and in the response the fields of their names; the whole response if the
/// request has no variables.
pub(super) fn scrub(event: &mut Event<'_>, meta: &mut Meta) {
    let Some(Json::Object(request)) = event.fields.get_mut("request") else {
        return;
    };
    if request.get_str("api_target") != Some("graphql") {
        return;
    }
    let mut names = Vec::new();
    if let Some(variables) = object_at(request, &["data", "variables"]) {
        let notes = meta.at_mut(["request", "data", "variables"]);
        for (name, value) in variables.iter_mut() {
            names.push(name.to_owned());
            filter(value, notes.child_mut(name));
        }
    }
    let response = object_at(&mut event.fields, &["contexts", "response", "data"]);
    if let Some(data) = response.and_then(|response| response.get_mut("data")) {
        let notes = meta.at_mut(["contexts", "response", "data", "data"]);
        match names.is_empty() {
            true => filter(data, notes),
            false => filter_named(data, &names, notes),
        }
    }
}

fn object_at<'t, 'a>(object: &'t mut Object<'a>, path: &[&str]) -> Option<&'t mut Object<'a>> {
    path.iter()
        .try_fold(object, |object, key| object.get_mut(key)?.as_object_mut())
}

fn filter_named(value: &mut Json<'_>, names: &[String], notes: &mut Meta) {
    match value {
        Json::Object(object) => {
            for (key, value) in object.iter_mut() {
                let notes = notes.child_mut(key);
                match names.iter().any(|name| name == key) {
                    true => filter(value, notes),
                    false => filter_named(value, names, notes),
                }
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                filter_named(item, names, notes.child_mut(&index.to_string()));
            }
        }
        _ => {}
    }
}

fn filter(value: &mut Json<'_>, notes: &mut Meta) {
    if value.is_null() || value.as_str() == Some(Redaction::FILTERED) {
        return;
    }
    *value = Json::from(Redaction::FILTERED);
    let remark = Remark::new(RULE, RemarkKind::Substituted).at(0, Redaction::FILTERED.len());
    notes.note_mut().remarks = vec![remark];
}
