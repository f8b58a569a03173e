//! An issue with one of its events.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Html;
use bugle_protocol::{EventId, UnixMillis};
use bugle_store::{Issue, Project, StoredEvent};
use serde::Serialize;

use super::attachments::{self, AttachmentRow};
use super::feedback::{self, FeedbackRow};
use super::issues::badge;
use crate::Ui;
use crate::actor::Actor;
use crate::chart::{self, Chart};
use crate::chrome::Chrome;
use crate::event::EventView;
use crate::problem::Problem;
use crate::when::When;

/// The model of `issue.html`.
#[derive(Debug, Serialize)]
struct IssueView {
    issue: Header,
    /// None if the events were removed by age.
    event: Option<EventView>,
    /// What users wrote about the event.
    feedback: Vec<FeedbackRow>,
    /// The files that came with it.
    attachments: Vec<AttachmentRow>,
    turns: Turns,
}

/// The head of an issue's pages.
#[derive(Debug, Serialize)]
pub(super) struct Header {
    short_id: String,
    url: String,
    /// The exception's type, if the title begins with one.
    ty: Option<String>,
    /// The title behind the type.
    rest: String,
    title: String,
    culprit: String,
    level: &'static str,
    platform: String,
    status: &'static str,
    badge: Option<&'static str>,
    is_unhandled: bool,
    events: i64,
    users: i64,
    first: When,
    last: When,
    first_release: Option<String>,
    last_release: Option<String>,
    chart: Chart,
}

/// Where to go from an event.
#[derive(Debug, Default, Serialize)]
struct Turns {
    oldest: String,
    older: Option<String>,
    newer: Option<String>,
    latest: String,
    json: String,
}

/// `GET /issues/{issue}/`
pub(super) async fn latest(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let (project, issue) = actor.issue(&ui, &name).await?;
    let event = ui.store.latest_event(project.id, issue.id).await?;
    page(&ui, &actor, &project, &issue, event).await
}

/// `GET /issues/{issue}/events/{event}/`, where the event is an id, `latest` or `oldest`.
pub(super) async fn one(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path((name, event)): Path<(String, String)>,
) -> Result<Html<String>, Problem> {
    let (project, issue) = actor.issue(&ui, &name).await?;
    let event = find(&ui, &issue, &event).await?;
    page(&ui, &actor, &project, &issue, Some(event)).await
}

/// An event of an issue by its id, `latest` or `oldest`.
///
/// # Errors
/// [`Problem::NotFound`], also for an event of another issue.
pub(super) async fn find(ui: &Ui, issue: &Issue, name: &str) -> Result<StoredEvent, Problem> {
    let event = match name {
        "latest" => ui.store.latest_event(issue.project_id, issue.id).await?,
        "oldest" => ui.store.oldest_event(issue.project_id, issue.id).await?,
        id => match id.parse() {
            Ok(id) => ui.store.event(issue.project_id, id).await?,
            Err(_) => None,
        },
    };
    event
        .filter(|event| event.row.issue_id == issue.id)
        .ok_or(Problem::NotFound("event"))
}

async fn page(
    ui: &Ui,
    actor: &Actor,
    project: &Project,
    issue: &Issue,
    event: Option<StoredEvent>,
) -> Result<Html<String>, Problem> {
    let now = UnixMillis::now();
    let id = event.as_ref().map(|event| event.row.event_id);
    let (feedback, attachments) = match id {
        Some(id) => (
            feedback::of_event(ui, project.id, id, now).await?,
            attachments::of_event(ui, project.id, id, issue).await?,
        ),
        None => Default::default(),
    };
    let view = IssueView {
        feedback,
        attachments,
        issue: Header::new(ui, issue, now).await?,
        turns: match &event {
            Some(event) => Turns::new(ui, issue, event).await?,
            None => Turns::default(),
        },
        event: event.map(|event| EventView::new(&event, now)).transpose()?,
    };
    let chrome = Chrome::new(ui, actor, Some(project), "issues").await?;
    ui.templates.page(ui, "issue.html", &chrome, &view)
}

impl Turns {
    async fn new(ui: &Ui, issue: &Issue, event: &StoredEvent) -> Result<Self, Problem> {
        let neighbours = ui.store.event_neighbours(&event.row).await?;
        let events = ui.site.link(&format!("/issues/{}/events", issue.short_id));
        let url = |id: EventId| format!("{events}/{id}/");
        Ok(Self {
            oldest: format!("{events}/oldest/"),
            older: neighbours.older.map(url),
            newer: neighbours.newer.map(url),
            latest: format!("{events}/latest/"),
            json: format!("{events}/{}/json", event.row.event_id),
        })
    }
}

impl Header {
    /// Reads the head of an issue with its chart.
    ///
    /// # Errors
    /// [`Problem::Store`].
    pub(super) async fn new(ui: &Ui, issue: &Issue, now: UnixMillis) -> Result<Self, Problem> {
        let key = (issue.project_id, issue.id);
        let hours = ui.store.issue_hours(&[key], chart::since(now)).await?;
        let hours = hours.get(&issue.id).map(Vec::as_slice).unwrap_or_default();
        let (ty, rest) = split_title(&issue.title);
        Ok(Self {
            short_id: issue.short_id.clone(),
            url: ui.site.link(&format!("/issues/{}/", issue.short_id)),
            ty: ty.map(str::to_owned),
            rest: rest.to_owned(),
            title: issue.title.clone(),
            culprit: issue.culprit.clone(),
            level: issue.level.as_str(),
            platform: issue.platform.clone(),
            status: issue.status.as_str(),
            badge: badge(issue),
            is_unhandled: issue.is_unhandled,
            events: issue.event_count,
            users: issue.user_count,
            first: When::new(issue.first_seen, now),
            last: When::new(issue.last_seen, now),
            first_release: issue.first_release.clone(),
            last_release: issue.last_release.clone(),
            chart: Chart::new(hours, now),
        })
    }
}

/// Splits `ValueError: no such page` for a heading; a sentence with a colon is not a type and stays whole.
fn split_title(title: &str) -> (Option<&str>, &str) {
    let is_type = |ty: &str| {
        !ty.is_empty()
            && ty
                .chars()
                .all(|c| c.is_alphanumeric() || "._$<>".contains(c))
    };
    match title.split_once(": ") {
        Some((ty, rest)) if is_type(ty) => (Some(ty), rest),
        _ => (None, title),
    }
}

#[cfg(test)]
mod tests {
    use super::split_title;

    #[test]
    fn only_types_are_set_apart() {
        assert_eq!(split_title("a.B: c: d"), (Some("a.B"), "c: d"));
        assert_eq!(split_title("no luck: sorry"), (None, "no luck: sorry"));
        assert_eq!(split_title(": x"), (None, ": x"));
        assert_eq!(split_title(""), (None, ""));
    }
}
