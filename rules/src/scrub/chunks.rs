//! Texts cut at their remarks, so that a page can show what was redacted and by which rule.

use bugle_protocol::Meta;
use bugle_protocol::json::{Json, Object};
use bugle_protocol::meta::{Note, Remark};

/// The notes as JSON, like [`Meta::to_json`], with `chunks` for every text that has remarks.
#[must_use]
pub fn with_chunks(value: &Json<'_>, meta: &Meta) -> Json<'static> {
    let Json::Object(mut tree) = meta.to_json() else {
        return Json::Null;
    };
    add_chunks(value, meta, &mut tree);
    Json::Object(tree)
}

fn add_chunks(value: &Json<'_>, meta: &Meta, tree: &mut Object<'static>) {
    if let (Json::String(text), Some(note)) = (value, meta.note())
        && let Some(Json::Object(own)) = tree.get_mut("")
        && !note.remarks.is_empty()
    {
        own.insert("chunks", chunks(text, note));
    }
    for (key, child) in meta.children() {
        let member = match value {
            Json::Object(object) => object.get(key),
            Json::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        if let (Some(member), Some(Json::Object(subtree))) = (member, tree.get_mut(key)) {
            add_chunks(member, child, subtree);
        }
    }
}

/// Cuts `text` at the remarks that fit it.
fn chunks(text: &str, note: &Note) -> Json<'static> {
    let mut chunks = Vec::new();
    let mut at = 0;
    for remark in &note.remarks {
        let Some((start, end)) = remark.range.filter(|(start, _)| *start >= at) else {
            continue;
        };
        let (Some(before), Some(inside)) = (text.get(at..start), text.get(start..end)) else {
            continue;
        };
        chunks.extend(text_chunk(before));
        chunks.push(redaction_chunk(inside, remark));
        at = end;
    }
    chunks.extend(text_chunk(&text[at..]));
    Json::Array(chunks)
}

fn text_chunk(text: &str) -> Option<Json<'static>> {
    let members = [
        ("type", Json::from("text")),
        ("text", Json::from(text.to_owned())),
    ];
    (!text.is_empty()).then(|| Json::Object(Object::from_iter(members)))
}

fn redaction_chunk(text: &str, remark: &Remark) -> Json<'static> {
    Json::Object(Object::from_iter([
        ("type", Json::from("redaction")),
        ("text", Json::from(text.to_owned())),
        ("rule_id", Json::from(remark.rule_id.clone())),
        ("remark", Json::from(remark.kind.letter())),
    ]))
}
