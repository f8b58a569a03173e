//! How fields are read from an event.

use std::borrow::Cow;

use bugle_protocol::event::{Exception, Request, User};
use bugle_protocol::json::Object;
use bugle_protocol::timestamp::parse_timestamp;
use bugle_protocol::{Json, Release, UnixMillis, Version};
use bugle_query::Values;

use super::{Facts, paths};

/// The version of a release without its build, and the build.
pub(super) fn version_and_build<'r>(release: Release<'r>) -> (&'r str, Option<&'r str>) {
    let text = release.version_text();
    match Version::parse(text) {
        Some(version) => (version.short(), version.build()),
        None => (text, None),
    }
}

impl<'e> Facts<'e> {
    pub(super) fn text(&self, key: &str) -> Values<'_> {
        let text = self.event.get_str(key);
        text.filter(|text| !text.is_empty()).into()
    }

    pub(super) fn time(&self, key: &str) -> Values<'_> {
        let seconds = self.event.get(key).and_then(parse_timestamp);
        seconds.map_or(Values::None, |seconds| {
            Values::Time(UnixMillis::from_seconds(seconds))
        })
    }

    pub(super) fn release(&self) -> Option<Release<'e>> {
        Release::parse(self.event.get_str("release")?).ok()
    }

    pub(super) fn request(&self, get: fn(Request<'e, 'e>) -> Option<&'e str>) -> Values<'_> {
        self.event.request().and_then(get).into()
    }

    pub(super) fn of_user(&self, get: fn(User<'e, 'e>) -> Option<&'e str>) -> Values<'_> {
        self.event.user().and_then(get).into()
    }

    /// A member of the trace context, if this is a transaction: errors have one too, which says nothing of them.
    pub(super) fn of_transaction(&self, member: &str) -> Values<'_> {
        if self.is_transaction() {
            self.context("trace", member)
        } else {
            Values::None
        }
    }

    /// How long a transaction took, in milliseconds; `None` for everything else.
    pub(crate) fn duration_ms(&self) -> Option<f64> {
        let seconds = |key| self.event.get(key).and_then(parse_timestamp);
        let (start, end) = (seconds("start_timestamp")?, seconds("timestamp")?);
        // In whole microseconds, as precise as times are: else 100 ms would be a little less than 100 ms.
        let micros = ((end - start) * 1e6).round();
        self.is_transaction().then_some(micros / 1e3)
    }

    /// Whether some exception was not handled; `None` without exceptions.
    pub(super) fn is_unhandled(&self) -> Option<bool> {
        let mut exceptions = self.event.exceptions().peekable();
        exceptions.peek()?;
        let handled =
            |exception: Exception<'_, '_>| exception.mechanism().and_then(|m| m.handled());
        Some(exceptions.any(|exception| handled(exception) == Some(false)))
    }

    /// Whether one of the exceptions belongs to a thread that is the main one.
    pub(super) fn in_main_thread(&self) -> Values<'_> {
        let found = self.main_thread.get_or_init(|| self.find_main_thread());
        found.map_or(Values::None, Values::Bool)
    }

    fn find_main_thread(&self) -> Option<bool> {
        let ids = self
            .event
            .exceptions()
            .filter_map(|exception| exception.0.get("thread_id"));
        let ids: Vec<&Json<'_>> = ids.take(64).collect();
        let threads = self.event.threads().filter_map(|thread| {
            let is_one = ids.iter().any(|id| Some(*id) == thread.id());
            let is_main = thread.0.get("main")?.as_bool()?;
            is_one.then_some(is_main)
        });
        threads.reduce(|a, b| a || b)
    }

    pub(super) fn object(&self, path: &[&str]) -> Option<&'e Object<'e>> {
        let mut object = &self.event.fields;
        for key in path {
            object = object.get(key)?.as_object()?;
        }
        Some(object)
    }

    /// The value of a dotted name under the object at `path`.
    pub(super) fn within(&self, path: &[&str], name: &str) -> Values<'_> {
        let object = self.object(path);
        let found = object.and_then(|object| paths::at(object, name));
        found.map_or(Values::None, paths::any)
    }

    pub(super) fn context(&self, context: &str, member: &str) -> Values<'_> {
        self.within(&["contexts", context], member)
    }

    /// Name and version of a context, as normalising has put them together.
    pub(super) fn product(&self, context: &str) -> Values<'_> {
        match self.context(context, context) {
            Values::None => {}
            found => return found,
        }
        let Some(object) = self.object(&["contexts", context]) else {
            return Values::None;
        };
        match (object.get_str("name"), object.get_str("version")) {
            (Some(name), Some(version)) => Values::Text(format!("{name} {version}").into()),
            (name, _) => name.into(),
        }
    }

    /// The version of a context. `>=10` is how normalising writes one that browsers no longer tell.
    pub(super) fn version(&self, context: &str) -> Values<'_> {
        match self.context(context, "version") {
            Values::Text(Cow::Borrowed(text)) => {
                Values::Version(text.trim_start_matches(">=").into())
            }
            other => other,
        }
    }
}
