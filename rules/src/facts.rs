//! What the condition language can ask about an event.

use std::net::IpAddr;

use bugle_protocol::{Event, UnixMillis};
use bugle_query::{Fields, Key, Values};

/// What is known of whoever sent an event, beside the event. A stored event has none of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender<'s> {
    /// The client's address, as the proxies told it.
    pub client_ip: Option<IpAddr>,
    /// The `User-Agent` of the request that brought the event.
    pub user_agent: Option<&'s str>,
}

/// A normalised event, ready to be asked.
#[derive(Debug)]
pub struct Facts<'e> {
    pub(crate) event: &'e Event<'e>,
    pub(crate) sender: Sender<'e>,
    now: UnixMillis,
}

impl<'e> Facts<'e> {
    /// Reads what is asked often; `now` is where relative times count from.
    #[must_use]
    pub fn new(event: &'e Event<'e>, sender: Sender<'e>, now: UnixMillis) -> Self {
        Self { event, sender, now }
    }
}

impl Fields for Facts<'_> {
    fn values(&self, key: &Key) -> Values<'_> {
        let tag = self.event.tags().find(|(name, _)| *name == key.name());
        tag.map(|(_, value)| value).into()
    }

    fn free_text(&self) -> Values<'_> {
        Values::None
    }

    fn now(&self) -> UnixMillis {
        self.now
    }
}
