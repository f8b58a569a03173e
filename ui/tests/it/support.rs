//! A store on a file, and events to put into it.

use std::path::Path;
use std::time::Duration;

use bugle_protocol::{
    EventId, KeyId, Level, ProjectId, PublicKey, RuleHit, RuleName, RuleTopic, UnixMillis,
};
use bugle_store::{
    Batch, NewEvent, NewHash, NewProject, NewTransaction, NewUser, Options, PasswordHash, Recorded,
    Role, RuleHitCount, Store, compress,
};
use serde_json::Value;

/// Opens an empty, migrated database in `folder`.
pub(crate) async fn open(folder: &Path) -> Store {
    let database_url = format!("sqlite:{}", folder.join("bugle.db").display());
    let store = Store::open(&Options {
        database_url,
        blob_folder: folder.join("blobs"),
    })
    .await
    .unwrap();
    store.migrate().await.unwrap();
    store
}

/// Makes an organisation with a project and returns the project's id.
pub(crate) async fn add_project(
    store: &Store,
    organization: &str,
    project: &str,
    key: u8,
) -> ProjectId {
    let now = UnixMillis::now();
    let known = store.organizations().await.unwrap();
    let organization_id = match known.iter().find(|known| known.slug == organization) {
        Some(known) => known.id,
        None => store
            .create_organization(organization, organization, now)
            .await
            .unwrap(),
    };
    let new = NewProject {
        organization_id,
        name: project,
        platform: None,
        public_key: PublicKey::from_bytes([key; 16]),
    };
    store.create_project(&new, now).await.unwrap().id
}

/// Makes an account in an organisation; its password is `correct horse`.
pub(crate) async fn add_user(store: &Store, organization: &str, email: &str, role: Role) {
    let organizations = store.organizations().await.unwrap();
    let organization = organizations
        .iter()
        .find(|known| known.slug == organization)
        .unwrap();
    let hash = PasswordHash::new("correct horse").unwrap();
    store
        .create_user(organization.id, email, &hash, role, UnixMillis::now())
        .await
        .unwrap();
}

/// Stores an event whose issue is the one of `group`.
pub(crate) async fn record(
    store: &Store,
    project_id: ProjectId,
    group: &str,
    event: &Value,
    at: UnixMillis,
) -> (EventId, Recorded) {
    let event_id = EventId::random();
    let event = new_event(project_id, event_id, group, event, at);
    let batch = Batch {
        events: vec![event],
        ..Batch::default()
    };
    let recorded = store.record(&batch, at).await.unwrap();
    (event_id, recorded[0])
}

/// Stores a transaction that sampling kept with a share of `server_rate`.
pub(crate) async fn record_transaction(
    store: &Store,
    project_id: ProjectId,
    event: &Value,
    server_rate: f64,
    at: UnixMillis,
) -> EventId {
    let event_id = EventId::random();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let trace = &event["contexts"]["trace"];
    let transaction = NewTransaction {
        project_id,
        key_id: KeyId(1),
        event_id,
        trace_id: text(&trace["trace_id"]),
        span_id: text(&trace["span_id"]),
        name: text(&event["transaction"]),
        op: text(&trace["op"]),
        status: text(&trace["status"]),
        started_at: at.before(Duration::from_millis(120)),
        timestamp: at,
        duration_us: 120_000,
        received_at: at,
        platform: "python".to_owned(),
        environment: None,
        release: None,
        user_label: None,
        tags: tags(event),
        client_rate: None,
        server_rate,
        payload: compress(event.to_string().as_bytes()).unwrap(),
    };
    let batch = Batch {
        transactions: vec![transaction],
        ..Batch::default()
    };
    store.record(&batch, at).await.unwrap();
    event_id
}

/// Counts that a rule did something.
pub(crate) async fn record_hits(
    store: &Store,
    project_id: ProjectId,
    topic: RuleTopic,
    rule: &str,
    quantity: u64,
    at: UnixMillis,
) {
    let hits = RuleHitCount {
        project_id,
        received_at: at,
        hit: RuleHit {
            topic,
            rule: RuleName(rule.to_owned().into()),
        },
        quantity,
    };
    let batch = Batch {
        rule_hits: vec![hits],
        ..Batch::default()
    };
    store.record(&batch, at).await.unwrap();
}

fn new_event(
    project_id: ProjectId,
    event_id: EventId,
    group: &str,
    event: &Value,
    at: UnixMillis,
) -> NewEvent {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let exception = event["exception"]["values"]
        .as_array()
        .and_then(|v| v.last());
    let handled = exception.and_then(|x| x["mechanism"]["handled"].as_bool());
    let email = text(&event["user"]["email"]).or(text(&event["user"]["id"]));
    NewEvent {
        project_id,
        key_id: KeyId(1),
        category: bugle_protocol::DataCategory::Error,
        event_id,
        timestamp: at,
        received_at: at,
        level: event["level"]
            .as_str()
            .and_then(Level::parse)
            .unwrap_or_default(),
        platform: text(&event["platform"]).unwrap_or_else(|| "other".to_owned()),
        event_type: "error".to_owned(),
        environment: text(&event["environment"]),
        release: text(&event["release"]),
        title: title(event, exception),
        title_is_placeholder: false,
        culprit: text(&event["transaction"]).unwrap_or_default(),
        metadata: "{}".to_owned(),
        is_unhandled: handled == Some(false),
        trace_id: text(&event["contexts"]["trace"]["trace_id"]),
        user: email.map(|label| NewUser {
            hash: i64::try_from(label.len()).unwrap(),
            label,
        }),
        tags: tags(event),
        grouping_version: "test",
        hashes: vec![NewHash {
            hash: hash_of(group),
            leaf_values: "[]".to_owned(),
        }],
        payload: compress(event.to_string().as_bytes()).unwrap(),
    }
}

/// The tags that are pairs of texts, as the processor leaves them.
fn tags(event: &Value) -> String {
    let all = event["tags"].as_array();
    let is_pair = |pair: &&Value| pair[0].is_string() && pair[1].is_string();
    let pairs: Vec<&Value> = all.into_iter().flatten().filter(is_pair).collect();
    serde_json::to_string(&pairs).unwrap()
}

fn title(event: &Value, exception: Option<&Value>) -> String {
    let entry = &event["logentry"];
    let message = entry["formatted"].as_str().or(entry["message"].as_str());
    match exception {
        Some(exception) => format!(
            "{}: {}",
            exception["type"].as_str().unwrap_or("Error"),
            exception["value"].as_str().unwrap_or_default()
        ),
        None => message.unwrap_or("<unlabeled event>").to_owned(),
    }
}

fn hash_of(group: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    for (i, byte) in group.bytes().enumerate() {
        hash[i % 32] ^= byte.rotate_left(u32::try_from(i / 32).unwrap());
    }
    hash
}
