//! Lists of pairs, which clients also send as objects and as text: headers, cookies, query strings, tags.

use std::borrow::Cow;

use bugle_protocol::json::{Json, Object};

use super::note::{Fault, Notes, Path};
use super::read::Reader;
use super::scalar::lenient;
use super::schema::Kind;

/// Reads `{"k": v}` or `[["k", v]]` in place as a list of pairs whose values are of `kind`. An object's members are
/// sorted: clients build them from hash maps, and equal requests should look equal.
pub(super) fn read(reader: &mut Reader, kind: &Kind, value: &mut Json<'_>, path: &Path<'_>) {
    if let Json::Object(object) = value {
        object.sort_keys();
        reader.notes.reorder(path, object.keys());
        for index in 0..object.len() {
            reader.notes.wrap(&path.index(index), &["1"]);
        }
        *value = from_object(std::mem::take(object));
    }
    let Json::Array(items) = value else {
        let fault = Fault::invalid("expected an array");
        return reader.notes.reject(path, value, fault);
    };
    for (index, item) in items.iter_mut().enumerate() {
        read_pair(reader, kind, item, &path.index(index));
    }
}

fn from_object<'a>(object: Object<'a>) -> Json<'a> {
    Json::Array(
        object
            .into_iter()
            .map(|(key, value)| pair(key, value))
            .collect(),
    )
}

/// A pair as the lists hold it.
pub(super) fn pair<'a>(key: impl Into<Cow<'a, str>>, value: impl Into<Json<'a>>) -> Json<'a> {
    Json::Array(vec![Json::String(key.into()), value.into()])
}

fn read_pair(reader: &mut Reader, kind: &Kind, item: &mut Json<'_>, path: &Path<'_>) {
    if item.is_null() {
        return;
    }
    match item.as_array_mut().map(Vec::as_mut_slice) {
        Some([key, value]) => {
            reader.read(&Kind::Scalar(lenient), key, &path.index(0));
            reader.read(kind, value, &path.index(1));
        }
        _ => {
            let fault = Fault::invalid("expected a tuple");
            reader.notes.reject(path, item, fault);
        }
    }
}

/// Keeps the items that `keep` says yes to, and their notes with them.
pub(super) fn retain<'a>(
    items: &mut Vec<Json<'a>>,
    notes: &mut Notes,
    path: &Path<'_>,
    mut keep: impl FnMut(&Json<'a>) -> bool,
) {
    let mut kept = Vec::with_capacity(items.len());
    let mut index = 0;
    items.retain(|item| {
        let keeps = keep(item);
        if keeps {
            kept.push(index);
        }
        index += 1;
        keeps
    });
    if kept.len() < index {
        notes.reorder(path, kept);
    }
}

/// Sorts the items by their keys, and their notes with them.
pub(super) fn sort(items: &mut Vec<Json<'_>>, notes: &mut Notes, path: &Path<'_>) {
    if items.is_sorted_by_key(key) {
        return;
    }
    let mut indexed: Vec<_> = std::mem::take(items).into_iter().enumerate().collect();
    indexed.sort_by(|(_, a), (_, b)| key(a).cmp(&key(b)));
    notes.reorder(path, indexed.iter().map(|(index, _)| index));
    items.extend(indexed.into_iter().map(|(_, item)| item));
}

/// The key of a pair, where it has one.
pub(super) fn key<'t>(item: &'t Json<'_>) -> Option<&'t str> {
    item.as_array()?.first()?.as_str()
}

/// Key and value of a pair, where both are there.
pub(super) fn entry<'t>(item: &'t Json<'_>) -> Option<(&'t str, &'t str)> {
    match item.as_array()? {
        [key, value] => Some((key.as_str()?, value.as_str()?)),
        _ => None,
    }
}

/// The key of a pair for changing it.
pub(super) fn key_mut<'t, 'a>(item: &'t mut Json<'a>) -> Option<&'t mut Cow<'a, str>> {
    match item.as_array_mut()?.first_mut()? {
        Json::String(key) => Some(key),
        _ => None,
    }
}
