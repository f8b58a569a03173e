//! What a crash reporter says in a form.

use std::borrow::Cow;
use std::collections::HashMap;

use bugle_protocol::json::{self, Json, Object};

/// Fields that are kept of the forms of one crash; real ones have some dozens.
const MAX_FIELDS: usize = 200;

/// Fields that are read as pieces of the event, of one crash; SDKs send one. Each may be as large as the form.
const MAX_PIECES: usize = 4;

/// Levels of objects that are put together member by member; what lies deeper is replaced.
const MAX_LEVELS: usize = 16;

/// Puts the forms of a crash into its event: each is a JSON list of pairs of name and value. The field `sentry` holds a piece
/// of the event as JSON; its members go before those that are there. The other fields become the event's `extra`. A broken
/// form changes nothing.
pub(super) fn merge_forms<'f>(event: &mut Object<'_>, forms: impl Iterator<Item = &'f [u8]>) {
    let mut extra: Vec<(Cow<'static, str>, Json<'static>)> = Vec::new();
    let mut pieces = 0;
    for (name, value) in forms.flat_map(fields).take(MAX_FIELDS) {
        let piece = value
            .as_str()
            .filter(|_| name == "sentry" && pieces < MAX_PIECES);
        match piece.map(json::parse_str) {
            Some(Ok(Json::Object(piece))) => {
                pieces += 1;
                merge(event, piece, 0);
            }
            _ => extra.push((name.into_owned().into(), value.into_owned())),
        }
    }
    if !extra.is_empty() {
        add_extra(event, extra);
    }
}

/// The names and values of a form.
fn fields(form: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Json<'_>)> {
    let pairs = match json::parse(form) {
        Ok(Json::Array(pairs)) => pairs,
        _ => Vec::new(),
    };
    pairs.into_iter().filter_map(|pair| {
        let Json::Array(pair) = pair else { return None };
        let mut pair = pair.into_iter();
        match (pair.next()?, pair.next()?) {
            (Json::String(name), value) => Some((name, value)),
            _ => None,
        }
    })
}

fn add_extra<'a>(event: &mut Object<'a>, fields: Vec<(Cow<'a, str>, Json<'a>)>) {
    let extra = event.get_or_insert_with("extra", || Json::Object(Object::new()));
    let old = match extra.take() {
        Json::Object(old) => old,
        _ => Object::new(),
    };
    *extra = Object::from_iter(old.into_iter().chain(fields)).into();
}

/// Sets members; two objects are put together. Both may have many: each is looked at once.
fn merge(object: &mut Object<'_>, members: Object<'_>, level: usize) {
    let mut added = Vec::new();
    let mut known: HashMap<&str, &mut Json<'_>> = object.iter_mut().collect();
    for (key, value) in members {
        match (known.get_mut(key.as_ref()), value) {
            (Some(Json::Object(old)), Json::Object(new)) if level < MAX_LEVELS => {
                merge(old, new, level + 1);
            }
            (Some(old), value) => **old = value.into_owned(),
            (None, value) => added.push((Cow::Owned(key.into_owned()), value.into_owned())),
        }
    }
    if !added.is_empty() {
        let old = std::mem::take(object);
        *object = old.into_iter().chain(added).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(event: &str, form: &str) -> String {
        let Ok(Json::Object(mut event)) = json::parse_str(event) else {
            panic!("{event}");
        };
        merge_forms(&mut event, std::iter::once(form.as_bytes()));
        json::to_string(&Json::Object(event))
    }

    #[test]
    fn a_form_is_put_into_the_event() {
        for (event, form, expected) in [
            (
                r#"{"release":"1","tags":{"a":"1","b":"1"}}"#,
                r#"[["sentry","{\"release\":\"2\",\"tags\":{\"b\":\"2\"}}"],["ptype","browser"]]"#,
                r#"{"release":"2","tags":{"a":"1","b":"2"},"extra":{"ptype":"browser"}}"#,
            ),
            (
                "{}",
                r#"[["sentry","nonsense"]]"#,
                r#"{"extra":{"sentry":"nonsense"}}"#,
            ),
            (
                "{}",
                r#"[["a"],[1,2],7,["b","c","d"]]"#,
                r#"{"extra":{"b":"c"}}"#,
            ),
            (r#"{"extra":7}"#, r#"[["a","b"]]"#, r#"{"extra":{"a":"b"}}"#),
            ("{}", "{nonsense", "{}"),
        ] {
            assert_eq!(merged(event, form), expected);
        }
    }
    /// A form whose piece has so many members, at the top and one level down.
    fn wide(members: usize) -> Vec<u8> {
        let member = |n| (format!("k{n}"), Json::from(1_u64));
        let tags: Object<'_> = (0..members).map(member).collect();
        let mut piece = tags.clone();
        piece.insert("tags", tags);
        let piece = json::to_string(&Json::Object(piece));
        let field = Json::Array(vec!["sentry".into(), piece.into()]);
        json::to_string(&Json::Array(vec![field])).into_bytes()
    }

    /// Where every member is looked for among all others, this takes minutes.
    #[test]
    fn a_form_of_many_members_is_put_in_at_once() {
        for members in [10_000, 100_000] {
            let form = wide(members);
            let mut event = Object::from_iter([("k7", 0_u64), ("own", 0)]);
            merge_forms(&mut event, [&form[..], &form].into_iter());
            assert_eq!(event.len(), members + 2);
            assert_eq!(event.get("k7").and_then(Json::as_i64), Some(1));
            let tags = event.get("tags").and_then(Json::as_object);
            assert_eq!(tags.map(Object::len), Some(members));
        }
    }

    #[test]
    fn all_forms_of_a_crash_have_one_bound() {
        let pairs = |name: &str| {
            let pairs: Vec<String> = (0..150).map(|n| format!("[\"{name}{n}\",1]")).collect();
            format!("[{}]", pairs.join(","))
        };
        let forms = [pairs("a"), pairs("b")];
        let mut event = Object::new();
        merge_forms(&mut event, forms.iter().map(String::as_bytes));
        let extra = event.get("extra").and_then(Json::as_object);
        assert_eq!(extra.map(Object::len), Some(MAX_FIELDS));

        let piece = |n: usize| format!("[\"sentry\",\"{{\\\"a{n}\\\":1}}\"]");
        let pieces: Vec<String> = (0..20).map(piece).collect();
        let mut event = Object::new();
        let form = format!("[{}]", pieces.join(","));
        merge_forms(&mut event, std::iter::once(form.as_bytes()));
        assert_eq!(event.len(), MAX_PIECES + 1, "and extra");
    }
}
