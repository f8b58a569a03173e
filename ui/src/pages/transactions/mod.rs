//! The transactions of a project: the newest as a list, and one with its spans.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::{MethodRouter, get};
use bugle_protocol::UnixMillis;
use bugle_store::{Project, StoredTransaction, TransactionRow};
use serde::Serialize;

use crate::Ui;
use crate::actor::Actor;
use crate::chrome::{Chrome, project_url};
use crate::event::{EventView, Spans, duration, pretty_body};
use crate::problem::Problem;
use crate::when::When;

/// Transactions that are listed.
const LISTED: u32 = 100;

/// The routes, without the slash at the end that every page may have.
pub(super) fn routes() -> Vec<(String, MethodRouter<Arc<Ui>>)> {
    let path = "/{project}/transactions";
    vec![
        (path.to_owned(), get(list)),
        (format!("{path}/{{transaction}}"), get(one)),
        (format!("{path}/{{transaction}}/json"), get(json)),
    ]
}

/// The address of the list.
pub(super) fn url(ui: &Ui, project: &Project) -> String {
    format!("{}transactions/", project_url(ui, project))
}

/// The model of `transactions.html`.
#[derive(Debug, Serialize)]
struct ListView {
    name: String,
    most: u32,
    rows: Vec<Row>,
}

/// A transaction in the list.
#[derive(Debug, Serialize)]
struct Row {
    url: String,
    name: String,
    op: String,
    status: String,
    duration: String,
    when: When,
    environment: Option<String>,
    release: Option<String>,
    /// How many it stands for; none if only for itself.
    weight: Option<String>,
}

/// The model of `transaction.html`, with that of `event.html` in it.
#[derive(Debug, Serialize)]
struct TransactionView {
    name: String,
    op: String,
    status: String,
    duration: String,
    weight: Option<String>,
    client_rate: Option<f64>,
    server_rate: f64,
    back: String,
    json: String,
    spans: Spans,
    event: EventView,
    feedback: [(); 0],
    attachments: [(); 0],
}

/// `GET /{project}/transactions/`
async fn list(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let project = actor.project(&ui, &name).await?;
    let (url, now) = (url(&ui, &project), UnixMillis::now());
    let rows = ui.store.transactions(project.id, LISTED).await?;
    let view = ListView {
        name: project.name.clone(),
        most: LISTED,
        rows: rows
            .into_iter()
            .map(|row| Row::new(&url, row, now))
            .collect(),
    };
    let chrome = Chrome::new(&ui, &actor, Some(&project), "transactions").await?;
    ui.templates.page(&ui, "transactions.html", &chrome, &view)
}

/// `GET /{project}/transactions/{event}/`
async fn one(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path((name, id)): Path<(String, String)>,
) -> Result<Html<String>, Problem> {
    let project = actor.project(&ui, &name).await?;
    let stored = find(&ui, &project, &id).await?;
    let back = url(&ui, &project);
    let view = TransactionView {
        json: format!("{back}{}/json", stored.event_id),
        back,
        duration: duration_of(stored.duration_us),
        weight: weight(stored.weight()),
        client_rate: stored.client_rate,
        server_rate: stored.server_rate,
        spans: Spans::of_body(&stored.body)?,
        event: EventView::of_transaction(&stored, UnixMillis::now())?,
        name: stored.name,
        op: stored.op,
        status: stored.status,
        feedback: [],
        attachments: [],
    };
    let chrome = Chrome::new(&ui, &actor, Some(&project), "transactions").await?;
    ui.templates.page(&ui, "transaction.html", &chrome, &view)
}

/// `GET /{project}/transactions/{event}/json`: all that is stored of the transaction.
async fn json(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path((name, id)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    let project = actor.project(&ui, &name).await?;
    let stored = find(&ui, &project, &id).await?;
    let headers = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    Ok((headers, pretty_body(&stored.body)?))
}

async fn find(ui: &Ui, project: &Project, id: &str) -> Result<StoredTransaction, Problem> {
    const MISSING: Problem = Problem::NotFound("transaction");
    let id = id.parse().map_err(|_| MISSING)?;
    let found = ui.store.transaction(project.id, id).await?;
    found.ok_or(MISSING)
}

impl Row {
    fn new(list: &str, row: TransactionRow, now: UnixMillis) -> Self {
        Self {
            url: format!("{list}{}/", row.event_id),
            name: row.name,
            op: row.op,
            status: row.status,
            duration: duration_of(row.duration_us),
            when: When::new(row.timestamp, now),
            environment: row.environment,
            release: row.release,
            weight: weight(row.weight),
        }
    }
}

fn duration_of(microseconds: u64) -> String {
    duration(std::time::Duration::from_micros(microseconds).as_secs_f64())
}

/// How many transactions one stands for, in words.
fn weight(weight: f64) -> Option<String> {
    (weight.is_finite() && weight > 1.05).then(|| match weight < 10.0 {
        true => format!("{weight:.1}"),
        false => format!("{weight:.0}"),
    })
}
