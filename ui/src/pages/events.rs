//! The events of an issue as a list, and one as JSON.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse};
use bugle_protocol::UnixMillis;
use bugle_store::EventRow;
use serde::{Deserialize, Serialize};

use super::issue::{Header, find};
use crate::Ui;
use crate::actor::Actor;
use crate::chrome::Chrome;
use crate::event::pretty_body;
use crate::problem::Problem;
use crate::url::with_query;
use crate::when::When;

/// Events per page.
const PAGE_SIZE: u32 = 50;
/// Pages are counted from the newest event, so a far one costs the database all before it.
const LAST_PAGE: u32 = 200;

/// What the address of the list says.
#[derive(Debug, Deserialize)]
pub(super) struct EventsQuery {
    /// The page, from 1.
    #[serde(default)]
    page: String,
}

/// The model of `events.html`.
#[derive(Debug, Serialize)]
struct EventsView {
    issue: Header,
    rows: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
}

/// An event.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    url: String,
    title: String,
    when: When,
    level: &'static str,
    user: Option<String>,
    tags: Vec<(String, String)>,
}

/// `GET /issues/{issue}/events/`
pub(super) async fn list(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
    Query(query): Query<EventsQuery>,
) -> Result<Html<String>, Problem> {
    let (project, issue) = actor.issue(&ui, &name).await?;
    let page = query.page.parse().unwrap_or(1).clamp(1, LAST_PAGE);
    let offset = (page - 1) * PAGE_SIZE;
    let limit = PAGE_SIZE + 1;
    let mut events = ui
        .store
        .issue_events(project.id, issue.id, offset, limit)
        .await?;
    let has_more = events.len() > PAGE_SIZE as usize && page < LAST_PAGE;
    events.truncate(PAGE_SIZE as usize);
    let now = UnixMillis::now();
    let path = ui.site.link(&format!("/issues/{}/events/", issue.short_id));
    let turn = |page: u32| with_query(&path, &[("page", &page.to_string())]);
    let view = EventsView {
        issue: Header::new(&ui, &issue, now).await?,
        rows: events
            .into_iter()
            .map(|event| Row::new(&path, event, now))
            .collect(),
        newer: (page > 1).then(|| turn(page - 1)),
        older: has_more.then(|| turn(page + 1)),
    };
    let chrome = Chrome::new(&ui, &actor, Some(&project), "issues").await?;
    ui.templates.page(&ui, "events.html", &chrome, &view)
}

impl Row {
    fn new(path: &str, event: EventRow, now: UnixMillis) -> Self {
        Self {
            id: event.event_id.to_string(),
            url: format!("{path}{}/", event.event_id),
            title: event.title,
            when: When::new(event.timestamp, now),
            level: event.level.as_str(),
            user: event.user_label,
            tags: event.tags,
        }
    }
}

/// `GET /issues/{issue}/events/{event}/json`: all that is stored of the event.
pub(super) async fn json(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path((name, event)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    let (_, issue) = actor.issue(&ui, &name).await?;
    let event = find(&ui, &issue, &event).await?;
    let file = format!("{}-{}.json", issue.short_id, event.row.event_id);
    let headers = [
        (
            header::CONTENT_TYPE,
            "application/json; charset=utf-8".to_owned(),
        ),
        (
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"{file}\""),
        ),
    ];
    Ok((headers, pretty_body(&event.body)?))
}
