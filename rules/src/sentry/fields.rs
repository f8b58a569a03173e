//! The fields that Sentry's conditions ask about.

use std::borrow::Cow;

use bugle_protocol::event::Exception;
use bugle_protocol::json::Object;
use bugle_protocol::timestamp::parse_timestamp;
use bugle_protocol::{Event, Json, Release};

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// Nothing, or something that cannot be compared.
    None,
    /// A text.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
    /// True or false.
    Bool(bool),
}

/// Something that conditions can be asked about.
pub trait Fields {
    /// A field.
    fn value(&self, name: &str) -> FieldValue<'_>;

    /// The items of a list; empty if there is no such list.
    fn items(&self, _name: &str) -> Vec<Box<dyn Fields + '_>> {
        Vec::new()
    }
}

impl<'a> From<Option<&'a Json<'a>>> for FieldValue<'a> {
    fn from(json: Option<&'a Json<'a>>) -> Self {
        match json {
            Some(Json::String(text)) => Self::Text(Cow::Borrowed(text)),
            Some(Json::Number(number)) => Self::Number(number.as_f64()),
            Some(Json::Bool(truth)) => Self::Bool(*truth),
            _ => Self::None,
        }
    }
}

impl<'a> From<Option<&'a str>> for FieldValue<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::None, |text| Self::Text(Cow::Borrowed(text)))
    }
}

/// What the root of a trace tells of itself in the header of every envelope: `trace.release` and the like.
pub struct Trace<'t>(pub &'t Json<'t>);

impl Fields for Trace<'_> {
    fn value(&self, name: &str) -> FieldValue<'_> {
        let member = |name: &str| self.0.get(name);
        let Some(name) = name.strip_prefix("trace.") else {
            return FieldValue::None;
        };
        match name {
            "release" | "environment" | "transaction" | "replay_id" => member(name).into(),
            "user.id" => member("user_id")
                .or_else(|| self.0.at(&["user", "id"]))
                .into(),
            "user.segment" => member("user_segment")
                .or_else(|| self.0.at(&["user", "segment"]))
                .into(),
            _ => FieldValue::None,
        }
    }
}

/// An event: `event.release`, `event.tags.x`, `event.contexts.device.model` and the like.
pub struct OwnEvent<'e>(pub &'e Event<'e>);

impl Fields for OwnEvent<'_> {
    fn value(&self, name: &str) -> FieldValue<'_> {
        let Some(path) = name.strip_prefix("event.") else {
            return FieldValue::None;
        };
        if let Some(tag) = path.strip_prefix("tags.") {
            return self.0.tag(tag).into();
        }
        if let Some(header) = path.strip_prefix("request.headers.") {
            let request = self.0.request();
            let mut headers = request.iter().flat_map(|request| request.headers());
            let found = headers.find(|(name, _)| name.eq_ignore_ascii_case(header));
            return found.map(|(_, value)| value).into();
        }
        match path {
            "duration" => duration_ms(self.0).map_or(FieldValue::None, FieldValue::Number),
            "transaction.source" => self.at("transaction_info.source"),
            "release.package" => self.of_release(|release| release.package()),
            "release.build" => self.of_release(|release| release.version()?.build()),
            "release.version.short" => self.of_release(|release| Some(release.version()?.short())),
            _ => self.at(path),
        }
    }

    fn items(&self, name: &str) -> Vec<Box<dyn Fields + '_>> {
        match name {
            "event.exception.values" => self
                .0
                .exceptions()
                .map(|exception| Box::new(OneException(exception)) as Box<dyn Fields>)
                .collect(),
            _ => Vec::new(),
        }
    }
}

impl OwnEvent<'_> {
    fn at(&self, path: &str) -> FieldValue<'_> {
        let mut names = path.split('.');
        let first = names.next().and_then(|name| self.0.get(name));
        names
            .try_fold(first, |json, name| json.map(|json| json.get(name)))
            .flatten()
            .into()
    }

    fn of_release<'s>(&'s self, part: impl Fn(&Release<'s>) -> Option<&'s str>) -> FieldValue<'s> {
        let release = self.0.get_str("release");
        let parsed = release.and_then(|release| Release::parse(release).ok());
        parsed.and_then(|release| part(&release)).into()
    }
}

/// `ty` and `value` of an exception.
struct OneException<'t, 'a>(Exception<'t, 'a>);

impl Fields for OneException<'_, '_> {
    fn value(&self, name: &str) -> FieldValue<'_> {
        let object: &Object<'_> = self.0.0;
        match name {
            "ty" => object.get("type").into(),
            "value" => object.get("value").into(),
            _ => FieldValue::None,
        }
    }
}

/// How long a transaction took.
fn duration_ms(event: &Event<'_>) -> Option<f64> {
    let time = |name| event.get(name).and_then(parse_timestamp);
    let is_transaction = event.event_type() == "transaction";
    let seconds = time("timestamp")? - time("start_timestamp")?;
    is_transaction.then_some(seconds * 1000.0)
}
