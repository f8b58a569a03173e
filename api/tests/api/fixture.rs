//! A store with something in it, and a client.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use bugle_api::{Api, router};
use bugle_protocol::{EventId, KeyId, Level, OrganizationId, ProjectId, PublicKey, UnixMillis};
use bugle_store::queue::{Limits, Queue};
use bugle_store::{
    Batch, NewEvent, NewHash, NewProject, NewUser, Options, Project, Scope, Store, compress,
};
use serde_json::Value;
use tower::ServiceExt;

/// Where the API believes to be.
pub(crate) const BASE_URL: &str = "https://bugs.example.com/bugle";

/// A served API over a database of its own.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) now: UnixMillis,
    app: Router,
    _folder: tempfile::TempDir,
}

/// An organisation with a project and a token that may do everything.
pub(crate) struct Tenant {
    pub(crate) organization: OrganizationId,
    pub(crate) project: Project,
    pub(crate) token: String,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    /// The URL behind `rel` in the `Link` header, if it has results.
    pub(crate) fn link(&self, rel: &str) -> Option<String> {
        let link = self.headers["link"].to_str().unwrap();
        let one = link
            .split(", ")
            .find(|one| one.contains(&format!("rel=\"{rel}\"")))
            .unwrap();
        let (url, rest) = one.strip_prefix('<').unwrap().split_once('>').unwrap();
        rest.contains("results=\"true\"")
            .then(|| url.strip_prefix(BASE_URL).unwrap().to_owned())
    }

    /// The body with `[varies]` for what differs from run to run: the members `keys` of the object, or of each row.
    pub(crate) fn without(&self, keys: &[&str]) -> Value {
        let mut json = self.json.clone();
        let rows = match &mut json {
            Value::Array(rows) => rows.as_mut_slice(),
            one => std::slice::from_mut(one),
        };
        for row in rows {
            keys.iter().for_each(|key| row[*key] = "[varies]".into());
        }
        json
    }

    /// The members `key` of the list's rows.
    pub(crate) fn column(&self, key: &str) -> Vec<&str> {
        let rows = self.json.as_array().unwrap();
        rows.iter().map(|row| row[key].as_str().unwrap()).collect()
    }
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bugle.db");
        let store = Store::open(&Options {
            database_url: format!("sqlite:{}", path.display()),
            blob_folder: path.with_extension("blobs"),
        })
        .await
        .unwrap();
        store.migrate().await.unwrap();
        let queue = Queue::open(&folder.path().join("queue"), Limits::default(), 0).unwrap();
        let api = Api {
            store: store.clone(),
            queue: queue.clone(),
            base_url: BASE_URL.to_owned(),
        };
        Self {
            store,
            queue,
            now: UnixMillis::now(),
            app: router(Arc::new(api)),
            _folder: folder,
        }
    }

    /// The same, served together with other routes.
    pub(crate) fn merged_into(mut self, routes: Router) -> Self {
        self.app = routes.merge(self.app);
        self
    }

    /// Makes an organisation `name` with a project `Shop`.
    pub(crate) async fn tenant(&self, name: &str, seed: u8) -> Tenant {
        let store = &self.store;
        let created = UnixMillis(1_767_323_045_678);
        let organization = store.create_organization(name, name, created).await;
        let organization = organization.unwrap();
        let project = NewProject {
            organization_id: organization,
            name: "Shop",
            platform: Some("python-django"),
            public_key: PublicKey::from_bytes([seed; 16]),
        };
        let project = store.create_project(&project, created).await.unwrap();
        let token = self.token(organization, &Scope::ALL, seed).await;
        Tenant {
            organization,
            project,
            token,
        }
    }

    pub(crate) async fn token(
        &self,
        organization: OrganizationId,
        scopes: &[Scope],
        seed: u8,
    ) -> String {
        let token = self
            .store
            .create_token(organization, "test", scopes, [seed; 32], self.now)
            .await;
        token.unwrap()
    }

    /// Stores events as one batch.
    pub(crate) async fn record(&self, events: Vec<NewEvent>) {
        let batch = Batch {
            events,
            ..Batch::default()
        };
        self.store_batch(batch).await;
    }

    pub(crate) async fn store_batch(&self, batch: Batch) {
        self.store.record(&batch, self.now).await.unwrap();
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call("GET", token, path, "").await
    }

    pub(crate) async fn put(&self, token: &str, path: &str, body: &str) -> Answer {
        self.call("PUT", token, path, body).await
    }

    pub(crate) async fn call(&self, method: &str, token: &str, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .body(Body::from(body.to_owned()));
        self.send(request.unwrap()).await
    }

    /// Asks for something that need not be JSON.
    pub(crate) async fn download(
        &self,
        token: &str,
        path: &str,
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let request = Request::get(path)
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty());
        let response = self.app.clone().oneshot(request.unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, body.to_vec())
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        if parts.status == StatusCode::NO_CONTENT {
            return Answer {
                status: parts.status,
                headers: parts.headers,
                json: Value::Null,
            };
        }
        assert_eq!(parts.headers["content-type"], "application/json");
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            json: serde_json::from_slice(&body).unwrap(),
        }
    }
}

/// The id of the event with this number, from 1.
pub(crate) fn event_id(number: u16) -> EventId {
    let bytes = number.to_be_bytes().repeat(8);
    EventId::from_bytes(bytes.try_into().unwrap())
}

/// An event of the issue `issue` in a project.
pub(crate) fn event(
    project: ProjectId,
    number: u16,
    issue: u16,
    timestamp: UnixMillis,
) -> NewEvent {
    let message = format!("issue {issue} happened");
    let body = format!(r#"{{"logentry":{{"message":"{message}"}}}}"#);
    let hash = issue.to_be_bytes().repeat(16);
    NewEvent {
        project_id: project,
        key_id: KeyId(1),
        category: bugle_protocol::DataCategory::Error,
        event_id: event_id(number),
        timestamp,
        received_at: timestamp,
        level: Level::Error,
        platform: "python".to_owned(),
        event_type: "error".to_owned(),
        environment: Some("production".to_owned()),
        release: Some("shop@1.2.3".to_owned()),
        title: message,
        title_is_placeholder: false,
        culprit: "orders.views in checkout".to_owned(),
        metadata: r#"{"type":"ValueError","value":"no such order"}"#.to_owned(),
        is_unhandled: true,
        trace_id: None,
        user: Some(NewUser {
            hash: i64::from(number),
            label: "ada@example.com".to_owned(),
        }),
        tags: r#"[["environment","production"],["browser","Firefox"]]"#.to_owned(),
        grouping_version: "1",
        hashes: vec![NewHash {
            hash: hash.try_into().unwrap(),
            leaf_values: "[]".to_owned(),
        }],
        payload: compress(body.as_bytes()).unwrap(),
    }
}

/// The same event with another body.
pub(crate) fn with_body(mut event: NewEvent, body: &str) -> NewEvent {
    event.payload = compress(body.as_bytes()).unwrap();
    event
}
