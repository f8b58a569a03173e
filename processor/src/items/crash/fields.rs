//! What a crash reporter says in a form.

use bugle_protocol::json::{self, Json, Object};

/// Fields of one form that are kept; real ones have some dozens.
const MAX_FIELDS: usize = 200;

/// Levels of objects that are put together member by member; what lies deeper is replaced.
const MAX_LEVELS: usize = 16;

/// Puts a form into an event: a JSON list of pairs of name and value. The field `sentry` holds a piece of the event as JSON;
/// its members go before those that are there. The other fields become the event's `extra`. A broken form changes nothing.
pub(super) fn merge_form(event: &mut Object<'_>, form: &[u8]) {
    let Ok(Json::Array(pairs)) = json::parse(form) else {
        return;
    };
    for pair in pairs.into_iter().take(MAX_FIELDS) {
        let Json::Array(pair) = pair else { continue };
        let mut pair = pair.into_iter();
        let (Some(Json::String(name)), Some(value)) = (pair.next(), pair.next()) else {
            continue;
        };
        let piece = value.as_str().filter(|_| name == "sentry");
        match piece.map(json::parse_str) {
            Some(Ok(Json::Object(piece))) => {
                for (key, value) in piece {
                    merge(event, &key, value.into_owned(), 0);
                }
            }
            _ => add_extra(event, &name, value),
        }
    }
}

fn add_extra(event: &mut Object<'_>, name: &str, value: Json<'_>) {
    let extra = event.get_or_insert_with("extra", || Json::Object(Object::new()));
    if !matches!(extra, Json::Object(_)) {
        *extra = Json::Object(Object::new());
    }
    if let Json::Object(extra) = extra {
        extra.insert(name.to_owned(), value.into_owned());
    }
}

/// Sets a member; two objects are put together.
fn merge(object: &mut Object<'_>, key: &str, value: Json<'static>, level: usize) {
    match (object.get_mut(key), value) {
        (Some(Json::Object(old)), Json::Object(new)) if level < MAX_LEVELS => {
            for (key, value) in new {
                merge(old, &key, value, level + 1);
            }
        }
        (_, value) => {
            object.insert(key.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(event: &str, form: &str) -> String {
        let Ok(Json::Object(mut event)) = json::parse_str(event) else {
            panic!("{event}");
        };
        merge_form(&mut event, form.as_bytes());
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
}
