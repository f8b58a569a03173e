//! What a scrubber changed of an event.

use bugle_protocol::json::{Json, Object, to_string};
use bugle_protocol::{Event, Meta};

/// A value that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Where it is, with `*` for places in lists: `exception.values.*.value`.
    pub(super) path: String,
    /// The text, or the JSON of another value.
    pub(super) before: String,
    /// The same; `None` if it was deleted.
    pub(super) after: Option<String>,
    /// The ids of the rules that changed it.
    pub(super) rules: Vec<String>,
}

/// Compares an event with what it was before, and its notes with those before.
pub(super) fn changes(
    before: &Event<'_>,
    after: &Event<'_>,
    old: &Meta,
    new: &Meta,
) -> Vec<Change> {
    let mut walk = Walk::default();
    let notes = Notes {
        old: Some(old),
        new: Some(new),
    };
    walk.object(&before.fields, &after.fields, notes);
    walk.changes
}

#[derive(Default)]
struct Walk {
    path: Vec<String>,
    changes: Vec<Change>,
}

#[derive(Clone, Copy)]
struct Notes<'m> {
    old: Option<&'m Meta>,
    new: Option<&'m Meta>,
}

impl<'m> Notes<'m> {
    fn child(self, key: &str) -> Self {
        Self {
            old: self.old.and_then(|meta| meta.child(key)),
            new: self.new.and_then(|meta| meta.child(key)),
        }
    }

    fn ids(meta: Option<&'m Meta>) -> impl Iterator<Item = &'m str> {
        let remarks = meta.and_then(Meta::note).into_iter();
        remarks
            .flat_map(|note| &note.remarks)
            .map(|remark| &*remark.rule_id)
    }

    /// The rules that have changed the value now.
    fn rules(self) -> Vec<String> {
        let mut rules: Vec<String> = Vec::new();
        for id in Self::ids(self.new) {
            let is_new = Self::ids(self.old).all(|old| old != id);
            if is_new && !rules.iter().any(|known| known == id) {
                rules.push(id.to_owned());
            }
        }
        rules
    }

    /// Whether the value only went through rules again that had changed it before: a hash is hashed again.
    fn is_repetition(self) -> bool {
        Self::ids(self.old).next().is_some() && self.rules().is_empty()
    }
}

impl Walk {
    fn within(&mut self, key: &str, walk: impl FnOnce(&mut Self)) {
        self.path.push(key.to_owned());
        walk(self);
        self.path.pop();
    }

    fn value(&mut self, before: &Json<'_>, after: &Json<'_>, notes: Notes<'_>) {
        match (before, after) {
            (Json::Object(before), Json::Object(after)) => self.object(before, after, notes),
            (Json::Array(before), Json::Array(after)) if before.len() == after.len() => {
                self.list(before, after, notes);
            }
            _ if before != after && !notes.is_repetition() => self.changes.push(Change {
                path: self.path.join("."),
                before: text(before),
                after: (!after.is_null()).then(|| text(after)),
                rules: notes.rules(),
            }),
            _ => {}
        }
    }

    fn object(&mut self, before: &Object<'_>, after: &Object<'_>, notes: Notes<'_>) {
        for (key, value) in before.iter() {
            let after = after.get_raw(key).unwrap_or(&Json::Null);
            self.within(key, |walk| walk.value(value, after, notes.child(key)));
        }
        for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(key)) {
            self.within(key, |walk| walk.value(&Json::Null, value, notes.child(key)));
        }
    }

    fn list(&mut self, before: &[Json<'_>], after: &[Json<'_>], notes: Notes<'_>) {
        for (i, (before, after)) in before.iter().zip(after).enumerate() {
            let notes = notes.child(&i.to_string());
            match (before.as_array(), after.as_array()) {
                // A pair, as of headers and tags, is known by its name.
                (Some([Json::String(key), before]), Some([_, after])) => {
                    self.within(key, |walk| walk.value(before, after, notes.child("1")));
                }
                _ => self.within("*", |walk| walk.value(before, after, notes)),
            }
        }
    }
}

fn text(value: &Json<'_>) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.to_string(),
        other => to_string(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_rules::scrub::{PiiConfig, ScrubSettings, Scrubber};

    fn compared(event: &str, rules: &str) -> Vec<Change> {
        let before = Event::parse(event.as_bytes()).unwrap();
        let old = before.get("_meta").map(Meta::from_json).unwrap_or_default();
        let (mut after, mut new) = (before.clone(), old.clone());
        let advanced = PiiConfig::parse(rules).unwrap();
        let scrubber = Scrubber::new(&ScrubSettings::default(), &advanced).unwrap();
        scrubber.scrub(&mut after, &mut new);
        changes(&before, &after, &old, &new)
    }

    fn change(path: &str, before: &str, after: Option<&str>, rule: &str) -> Change {
        Change {
            path: path.to_owned(),
            before: before.to_owned(),
            after: after.map(str::to_owned),
            rules: vec![rule.to_owned()],
        }
    }

    #[test]
    fn every_change_names_its_place_and_its_rule() {
        let event = r#"{"extra":{"password":"x","list":[{"secret":[1,2]}],"same":1},
            "request":{"headers":[["Accept","a"],["X-Secret","b"]]}}"#;
        let mut found = compared(event, "{}");
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let password = "@password:filter";
        let wanted = [
            change("extra.list.*.secret", "[1,2]", None, password),
            change("extra.password", "x", Some("[Filtered]"), password),
            change(
                "request.headers.X-Secret",
                "b",
                Some("[Filtered]"),
                password,
            ),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_the_same_rules_did_before_is_no_change() {
        let hash = r#"{"rules":{"h":{"type":"anything","redaction":{"method":"hash"}}},"applications":{"extra.a":["h"]}}"#;
        let once = compared(r#"{"extra":{"a":"x"}}"#, hash);
        let hashed = once[0].after.clone().unwrap();
        let again = format!(
            r#"{{"extra":{{"a":"{hashed}"}},"_meta":{{"extra":{{"a":{{"":{{"rem":[["h","p",0,40]]}}}}}}}}}}"#
        );
        assert_eq!(compared(&again, hash), []);
    }
}
