//! A router in front of a real store and queue in a temporary folder.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request, StatusCode};
use bugle_ingest::{Ingest, Ledger, Limiter, Limits, TrustedProxies, router};
use bugle_protocol::{ProjectId, PublicKey, UnixMillis};
use bugle_store::queue::{self, Entry, Queue, QueuedRequest, Reader};
use bugle_store::{NewProject, Options, Store};
use tempfile::TempDir;
use tower::ServiceExt;

/// The key of the project that all tests send to.
pub(crate) const KEY: &str = "a94f0b1c2d3e4f5061728394a5b6c7d8";

/// The key of another project.
pub(crate) const OTHER_KEY: &str = "00000000000000000000000000000001";

/// Ingestion as a client meets it.
pub(crate) struct Bench {
    pub(crate) router: Router,
    pub(crate) ingest: Arc<Ingest>,
    /// The project of [`KEY`].
    pub(crate) project_id: ProjectId,
    reader: Reader,
    folder: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Bench {
    pub(crate) async fn open() -> Self {
        Self::with(Limits::default(), TrustedProxies::default()).await
    }

    /// A bench whose two projects have other keys than usual.
    pub(crate) async fn with_key(key: &str) -> Self {
        Self::build(
            key,
            Limits::default(),
            TrustedProxies::default(),
            queue::Limits::default(),
        )
        .await
    }

    pub(crate) async fn with(limits: Limits, trusted_proxies: TrustedProxies) -> Self {
        Self::with_queue(limits, trusted_proxies, queue::Limits::default()).await
    }

    pub(crate) async fn with_queue(
        limits: Limits,
        trusted_proxies: TrustedProxies,
        queue_limits: queue::Limits,
    ) -> Self {
        Self::build(KEY, limits, trusted_proxies, queue_limits).await
    }

    async fn build(
        key: &str,
        limits: Limits,
        trusted_proxies: TrustedProxies,
        queue_limits: queue::Limits,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite:{}", folder.path().join("bugle.db").display());
        let store = Store::open(&Options {
            database_url,
            blob_folder: folder.path().join("blobs"),
        })
        .await
        .unwrap();
        store.migrate().await.unwrap();
        let project_id = create_project(&store, "shop", key).await;
        create_project(&store, "other", OTHER_KEY).await;
        let queue = Queue::open(&folder.path().join("queue"), queue_limits, 0).unwrap();
        Self::serve(store, queue, limits, trusted_proxies, project_id, folder)
    }

    fn serve(
        store: Store,
        queue: Queue,
        limits: Limits,
        trusted_proxies: TrustedProxies,
        project_id: ProjectId,
        folder: TempDir,
    ) -> Self {
        let reader = queue.reader(0);
        let ingest = Arc::new(Ingest {
            limiter: Limiter::new(store.clone(), queue.clone()),
            ledger: Ledger::new(queue.clone()),
            store,
            queue,
            limits,
            trusted_proxies,
            base_url: "https://errors.example.com/bugle".to_owned(),
            js_sdk_url: "https://cdn.example.com/sdk.min.js".to_owned(),
        });
        Self {
            router: router(Arc::clone(&ingest)),
            ingest,
            project_id,
            reader,
            folder,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// Sends a body with the project's key in the header.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(authorized(path).body(body.into()).unwrap()).await
    }

    /// The server that is started after this one was killed; the database knows the queue up to `processed`.
    pub(crate) async fn restarted(self, processed: u64) -> Self {
        let Self {
            router,
            ingest,
            project_id,
            reader,
            folder,
        } = self;
        ingest.queue.close();
        let (limits, trusted_proxies) = (ingest.limits.clone(), ingest.trusted_proxies.clone());
        let store = ingest.store.clone();
        drop((router, reader, ingest));
        let path = folder.path().join("queue");
        let queue = Queue::open(&path, queue::Limits::default(), processed).unwrap();
        let bench = Self::serve(store, queue, limits, trusted_proxies, project_id, folder);
        let limiter = &bench.ingest.limiter;
        limiter.restore(UnixMillis::now()).await.unwrap();
        bench
    }

    /// What came into the queue since the last call.
    pub(crate) fn entries(&mut self) -> Vec<Entry> {
        let deliveries = self.reader.read(usize::MAX, usize::MAX).unwrap();
        let entries = deliveries.iter().map(|d| Entry::from_bytes(&d.data));
        entries.collect::<Option<_>>().unwrap()
    }

    /// The requests that came into the queue since the last call; the counts of refused ones are left out.
    pub(crate) fn queued(&mut self) -> Vec<QueuedRequest> {
        let entries = self.entries().into_iter();
        let requests = entries.filter_map(|entry| match entry {
            Entry::Request(request) => Some(request),
            Entry::Tally(_) => None,
        });
        requests.collect()
    }
}

impl Answer {
    /// Status and body, for tables.
    pub(crate) fn short(&self) -> (u16, &str) {
        (self.status.as_u16(), &self.body)
    }
}

/// A `POST` that names the project's key in `X-Sentry-Auth`.
pub(crate) fn authorized(path: &str) -> Builder {
    let auth = format!("Sentry sentry_key={KEY}, sentry_version=7, sentry_client=test/1.0");
    Request::post(path).header("x-sentry-auth", auth)
}

/// Makes a project in the one organisation, which is made on first use.
pub(crate) async fn create_project(store: &Store, name: &str, key: &str) -> ProjectId {
    let public_key: PublicKey = key.parse().unwrap();
    let organizations = store.organizations().await.unwrap();
    let organization_id = match organizations.first() {
        Some(organization) => organization.id,
        None => {
            let made = store
                .create_organization("default", "Default", UnixMillis(0))
                .await;
            made.unwrap()
        }
    };
    let new = NewProject {
        organization_id,
        name,
        platform: None,
        public_key,
    };
    store.create_project(&new, UnixMillis(0)).await.unwrap().id
}
