//! The walker: brings every value into the type its schema names, and notes what did not fit.

use bugle_protocol::Json;
use bugle_protocol::json::Object;

use super::note::{Fault, Notes, Path};
use super::pairs;
use super::schema::{Empty, Field, Kind, Schema};

/// Walks a tree by its schema.
pub(super) struct Reader {
    /// What was wrong, at its path.
    pub(super) notes: Notes,
    /// Keeps members that no schema knows.
    pub(super) keep_unknown: bool,
}

impl Reader {
    /// Reads one value in place; what does not fit becomes null and a note.
    pub(super) fn read(&mut self, kind: &Kind, value: &mut Json<'_>, path: &Path<'_>) {
        if value.is_null() {
            return;
        }
        match kind {
            Kind::Any => {}
            Kind::Scalar(scalar) => {
                if let Err(fault) = scalar(value) {
                    self.notes.reject(path, value, fault);
                }
            }
            Kind::Map(kind) => self.map(kind, value, path),
            Kind::List(kind) => self.list(kind, value, path),
            Kind::Struct(schema) => self.structure(schema, value, path),
            Kind::Values(schema) => self.values(schema, value, path),
            Kind::Custom(custom) => custom(self, value, path),
        }
    }

    fn map(&mut self, kind: &Kind, value: &mut Json<'_>, path: &Path<'_>) {
        let Json::Object(object) = value else {
            return self
                .notes
                .reject(path, value, Fault::invalid("expected an object"));
        };
        if matches!(kind, Kind::Any) {
            return;
        }
        object.retain(|key, member| {
            let path = path.key(key);
            self.read(kind, member, &path);
            !member.is_null() || self.notes.has(&path)
        });
    }

    fn list(&mut self, kind: &Kind, value: &mut Json<'_>, path: &Path<'_>) {
        let Json::Array(items) = value else {
            return self
                .notes
                .reject(path, value, Fault::invalid("expected an array"));
        };
        for (index, item) in items.iter_mut().enumerate() {
            self.read(kind, item, &path.index(index));
        }
    }

    fn structure(&mut self, schema: &Schema, value: &mut Json<'_>, path: &Path<'_>) {
        match value {
            Json::Object(object) => self.object(schema, object, path),
            _ => {
                let reason = format!("expected {}", schema.name);
                self.notes.reject(path, value, Fault::invalid(reason));
            }
        }
    }

    fn values(&mut self, schema: &'static Schema, value: &mut Json<'_>, path: &Path<'_>) {
        match value.take() {
            Json::Array(mut items) => {
                self.notes.wrap(path, &["values"]);
                pairs::retain(&mut items, &mut self.notes, &path.key("values"), |item| {
                    !item.is_null()
                });
                *value = wrapper(items);
            }
            Json::Object(object) if object.contains_key("values") => *value = Json::Object(object),
            Json::Object(object) if object.is_empty() => return,
            Json::Object(object) => {
                self.notes.wrap(path, &["values", "0"]);
                *value = wrapper(vec![Json::Object(object)]);
            }
            other => {
                *value = other;
                let fault = Fault::invalid("expected a list or values object");
                return self.notes.reject(path, value, fault);
            }
        }
        if let Json::Object(object) = value {
            self.wrapped(schema, object, path);
        }
    }

    fn wrapped(&mut self, schema: &'static Schema, object: &mut Object<'_>, path: &Path<'_>) {
        let path = path.key("values");
        object.retain(|key, member| {
            if key != "values" {
                return self.keep_unknown;
            }
            if member.is_null() {
                self.notes.missing(&path);
            } else {
                self.list(&Kind::Struct(schema), member, &path);
            }
            !is_empty(member)
        });
    }

    /// Reads the members of an object in place.
    pub(super) fn object(&mut self, schema: &Schema, object: &mut Object<'_>, path: &Path<'_>) {
        rename(object, schema.aliases);
        let keep_unknown = self.keep_unknown || schema.open;
        object.retain(|key, value| match schema.field(key) {
            Some(field) => self.member(field, value, &path.key(key)),
            None => keep_unknown,
        });
        for field in schema.fields.iter().filter(|field| field.required) {
            if !object.contains_key(field.name) {
                self.notes.missing(&path.key(field.name));
                object.insert(field.name, Json::Null);
            }
        }
    }

    /// Reads a known member; says whether it stays. A null stays only where there is something to say about it.
    pub(super) fn member(&mut self, field: &Field, value: &mut Json<'_>, path: &Path<'_>) -> bool {
        self.read(&field.kind, value, path);
        if is_empty(value) {
            match field.empty {
                Empty::Stays => {}
                Empty::Goes => *value = Json::Null,
                Empty::Errs => {
                    let fault = Fault::invalid("expected a non-empty value").without_original();
                    self.notes.reject(path, value, fault);
                }
            }
        }
        !value.is_null() || self.notes.has(path)
    }
}

fn wrapper(items: Vec<Json<'_>>) -> Json<'_> {
    Json::Object(Object::from_iter([("values", Json::Array(items))]))
}

fn is_empty(value: &Json<'_>) -> bool {
    match value {
        Json::Array(items) => items.is_empty(),
        Json::Object(object) => object.is_empty(),
        _ => false,
    }
}

/// Gives members their new names; a member that already has the new name wins.
pub(super) fn rename(object: &mut Object<'_>, aliases: &[(&'static str, &'static str)]) {
    for &(old, new) in aliases {
        if !object.contains_key(old) {
            continue;
        }
        let value = object.remove(old).unwrap_or_default();
        if object.get(new).is_none() {
            object.insert(new, value);
        }
    }
}
