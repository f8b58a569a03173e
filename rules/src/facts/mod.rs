//! What the condition language can ask about an event.
//!
//! [`FIELDS`] is the whole truth about which fields there are: it answers, it is checked against ([`check()`]), it is
//! shown in editors and listed in `docs/conditions.md`. What is no field is a tag.

mod check;
mod fields;
mod lists;
mod paths;
mod read;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;

use bugle_protocol::{Event, UnixMillis};
use bugle_query::{Fields, Key, Values};

pub use check::{Objection, check};
pub use fields::{FIELDS, Field, FieldKind};
pub(crate) use lists::described;
use lists::{List, Lists};

/// What is known of whoever sent an event, beside the event. A stored event has none of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender<'s> {
    /// The client's address, as the proxies told it.
    pub client_ip: Option<IpAddr>,
    /// The `User-Agent` of the request that brought the event.
    pub user_agent: Option<&'s str>,
}

/// A normalised event, ready to be asked.
///
/// Nothing is read before it is asked for, and what takes a walk through the event is read once for all rules.
#[derive(Debug)]
pub struct Facts<'e> {
    pub(crate) event: &'e Event<'e>,
    pub(crate) sender: Sender<'e>,
    now: UnixMillis,
    lists: Lists<'e>,
    title: OnceCell<Cow<'e, str>>,
    user: OnceCell<Option<String>>,
    main_thread: OnceCell<Option<bool>>,
}

impl<'e> Facts<'e> {
    /// An event and who sent it; `now` is where relative times count from.
    #[must_use]
    pub fn new(event: &'e Event<'e>, sender: Sender<'e>, now: UnixMillis) -> Self {
        Self {
            event,
            sender,
            now,
            lists: Lists::default(),
            title: OnceCell::new(),
            user: OnceCell::new(),
            main_thread: OnceCell::new(),
        }
    }

    /// Whether the event is a transaction.
    pub(crate) fn is_transaction(&self) -> bool {
        self.event.event_type() == "transaction"
    }

    /// A header of the event's request; `name` in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&'e str> {
        let mut headers = self.event.request()?.headers();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(found.1)
    }

    /// A tag that the client or a rule has set.
    fn own_tag(&self, name: &str) -> Values<'_> {
        self.event.tag(name).into()
    }

    /// A tag, also one of those that follow from fields.
    fn tag(&self, name: &str) -> Values<'_> {
        match self.own_tag(name) {
            Values::None => self.derived_tag(name),
            found => found,
        }
    }

    /// The tags that are shown with every event: see `items::tags` in the processor.
    fn derived_tag(&self, name: &str) -> Values<'_> {
        let mechanism = || {
            let exceptions = self.event.exceptions().rev();
            exceptions
                .filter_map(|exception| exception.mechanism())
                .next()
        };
        match name {
            "handled" => mechanism()
                .and_then(|mechanism| mechanism.handled())
                .map(|handled| if handled { "yes" } else { "no" })
                .into(),
            "mechanism" => mechanism().and_then(|mechanism| mechanism.ty()).into(),
            "level" | "environment" | "release" | "dist" | "transaction" | "logger" | "url"
            | "user" | "browser" | "browser.name" | "os" | "os.name" | "client_os"
            | "client_os.name" | "runtime" | "runtime.name" => {
                fields::find(name).map_or(Values::None, |field| field.read(self))
            }
            _ => Values::None,
        }
    }

    fn list(&self, list: List) -> Values<'_> {
        Values::Texts(Cow::Borrowed(self.lists.get(list, self.event)))
    }

    /// What the event is called; empty if nothing can be said. Grouping may find something better.
    fn title(&self) -> &str {
        self.title.get_or_init(|| lists::title(self.event))
    }
}

/// What rules look at of a field: [`lists::MAX_BYTES`] of all values, which those in [`Lists`] keep to already.
fn bounded(values: Values<'_>) -> Values<'_> {
    match values {
        Values::Text(Cow::Borrowed(text)) => Values::Text(lists::cut(text, text.len()).into()),
        Values::Many(mut values) => {
            let mut room = lists::MAX_BYTES;
            for value in &mut values {
                if let Values::Text(Cow::Borrowed(text)) = value {
                    *text = lists::cut(text, room);
                    room -= text.len();
                }
            }
            Values::Many(values)
        }
        other => other,
    }
}

impl Fields for Facts<'_> {
    fn values(&self, key: &Key) -> Values<'_> {
        let name = match key {
            Key::Tag(name) => return bounded(self.tag(name)),
            Key::Field(name) => name.as_str(),
        };
        let found = match fields::find(name).map(|field| field.read(self)) {
            None => self.tag(name),
            Some(Values::None) => self.own_tag(name),
            Some(found) => found,
        };
        bounded(found)
    }

    fn free_text(&self) -> Values<'_> {
        let texts = self.lists.get(List::FreeText, self.event);
        let mut all = Vec::with_capacity(texts.len() + 1);
        all.push(lists::cut(self.title(), lists::MAX_BYTES));
        all.extend_from_slice(texts);
        Values::Texts(Cow::Owned(all))
    }

    fn now(&self) -> UnixMillis {
        self.now
    }
}
