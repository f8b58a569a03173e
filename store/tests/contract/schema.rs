//! The two folders of migrations are always a pair.

use std::collections::BTreeSet;
use std::path::Path;

use crate::backend;

fn migration_files(folder: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../migrations")
        .join(folder);
    let files = std::fs::read_dir(path).unwrap();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn every_migration_has_its_pair() {
    assert_eq!(migration_files("sqlite"), migration_files("postgres"));
}

#[tokio::test]
async fn both_end_in_the_same_columns() {
    let Some(postgres) = backend::postgres().await else {
        return;
    };
    let sqlite = backend::sqlite().await;
    let pool = sqlx::SqlitePool::connect(&sqlite.url).await.unwrap();
    let of_sqlite: Vec<(String, String, bool)> = sqlx::query_as(
        r#"SELECT m.name, c.name, c."notnull" = 1 FROM sqlite_schema m, pragma_table_info(m.name) c
           WHERE m.type = 'table' AND m.name NOT LIKE '\_%' ESCAPE '\' AND m.name NOT LIKE 'sqlite%'"#,
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let pool = sqlx::PgPool::connect(&postgres.url).await.unwrap();
    let of_postgres: Vec<(String, String, bool)> = sqlx::query_as(
        r"SELECT table_name::text, column_name::text, is_nullable = 'NO' FROM information_schema.columns
          WHERE table_schema = 'public' AND table_name NOT LIKE '\_%'",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let set = |columns: Vec<_>| {
        columns
            .into_iter()
            .collect::<BTreeSet<(String, String, bool)>>()
    };
    assert_eq!(set(of_sqlite), set(of_postgres));
}
