//! The databases that tests run on.

use bugle_store::{Options, Store};
use sqlx::{Connection, Executor};
use std::sync::atomic::{AtomicU32, Ordering};

/// A migrated store, and what keeps its files alive.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    pub(crate) url: String,
    _folder: tempfile::TempDir,
}

impl std::ops::Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

pub(crate) async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("bugle.db").display());
    migrated(url, folder).await
}

/// `None` where no server is given and nobody insists.
pub(crate) async fn postgres() -> Option<TestStore> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told their database by the environment"
    )]
    let (server, ci) = (
        std::env::var("BUGLE_TEST_POSTGRES_URL"),
        std::env::var("CI"),
    );
    let Ok(server) = server else {
        assert!(
            ci.is_err(),
            "BUGLE_TEST_POSTGRES_URL is not set: PostgreSQL must be tested in CI"
        );
        eprintln!("skipped on PostgreSQL: BUGLE_TEST_POSTGRES_URL is not set");
        return None;
    };
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "bugle_test_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
    connection
        .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let url = format!("{base}/{name}");
    Some(migrated(url, tempfile::tempdir().unwrap()).await)
}

async fn migrated(url: String, folder: tempfile::TempDir) -> TestStore {
    let store = Store::open(&Options {
        database_url: url.clone(),
        blob_folder: folder.path().join("blobs"),
    })
    .await
    .unwrap();
    store.migrate().await.unwrap();
    TestStore {
        store,
        url,
        _folder: folder,
    }
}

/// Makes two tests of an async function that takes a [`TestStore`].
macro_rules! on_both_backends {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            #[tokio::test]
            async fn on_sqlite() {
                super::$name(crate::backend::sqlite().await).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                if let Some(store) = crate::backend::postgres().await {
                    super::$name(store).await;
                }
            }
        }
    )* };
}

pub(crate) use on_both_backends;
