//! What happened before the event, newest last.

use bugle_protocol::event::Breadcrumb;
use bugle_protocol::{Level, UnixMillis};
use serde::Serialize;

use super::fields::{self, Field};
use super::noted::Noted;
use super::rich::{self, Piece};
use crate::when::{When, clock};

/// So many of the newest are shown; older ones are folded.
const SHOWN: usize = 30;

/// The breadcrumbs of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Breadcrumbs {
    /// The ones before the newest.
    older: Vec<Crumb>,
    /// The newest.
    newer: Vec<Crumb>,
}

/// A breadcrumb.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Crumb {
    time: Option<String>,
    when: Option<When>,
    ty: String,
    category: Option<String>,
    level: &'static str,
    message: Vec<Piece>,
    /// What the notes on the message say.
    note: Option<String>,
    data: Vec<Field>,
}

impl Breadcrumbs {
    /// Reads `breadcrumbs`.
    pub(super) fn new(breadcrumbs: Option<Noted<'_, '_>>) -> Self {
        let Some(list) = breadcrumbs.map(Noted::values) else {
            return Self::default();
        };
        let mut older: Vec<Crumb> = list.items().filter_map(Crumb::new).collect();
        let newer = older.split_off(older.len().saturating_sub(SHOWN));
        Self { older, newer }
    }
}

impl Crumb {
    fn new(noted: Noted<'_, '_>) -> Option<Self> {
        let crumb = Breadcrumb(noted.object()?);
        let time = crumb.timestamp().map(UnixMillis::from_seconds);
        Some(Self {
            time: time.map(clock),
            when: time.map(|time| When::new(time, time)),
            ty: crumb.ty().unwrap_or("default").to_owned(),
            category: crumb.category().map(str::to_owned),
            level: crumb
                .level()
                .and_then(Level::parse)
                .unwrap_or(Level::Info)
                .as_str(),
            message: noted.get("message").map(rich::pieces).unwrap_or_default(),
            note: noted.get("message").and_then(rich::words),
            data: fields::of_object(noted.get("data")),
        })
    }
}
