//! What is left in the files of the databases after somebody was erased.

use super::*;

/// What lies in SQLite's files, log included.
fn bytes_of(store: &TestStore) -> Vec<u8> {
    let path = store.url.strip_prefix("sqlite:").unwrap();
    let files = ["", "-wal"].map(|suffix| std::fs::read(format!("{path}{suffix}")));
    files.into_iter().flatten().flatten().collect()
}

#[tokio::test]
async fn nothing_is_left_in_the_files_of_sqlite() {
    const SECRET: &[u8] = b"0f3a-very-particular-name";
    let store = crate::backend::sqlite().await;
    let shop = project(&store).await;
    let label = String::from_utf8(SECRET.to_vec()).unwrap();
    let named = |id| NewEvent {
        user: Some(NewUser {
            hash: user_hash("id:7"),
            label: label.clone(),
        }),
        title: format!("Error of {label}"),
        tags: format!(r#"[["user","id:{label}"]]"#),
        payload: SECRET.repeat(1000),
        ..event(&shop, id, 1)
    };
    for id in 0..300 {
        let events = vec![named(id * 2), event(&shop, id * 2 + 1, 2)];
        store_batch(
            &store,
            Batch {
                events,
                ..Batch::default()
            },
        )
        .await;
    }
    let has_secret = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|part| part == SECRET);
    assert!(has_secret(&bytes_of(&store)));
    let mut after = 0;
    loop {
        let page = store
            .stored_rows(StoredKind::Event, &[shop.id], after)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = last.row;
        let own = page
            .iter()
            .filter(|row| row.user_label.as_deref() == Some(&label));
        let changes = Changes {
            gone_events: own.map(gone).collect(),
            ..Changes::default()
        };
        apply(&store, &shop, &changes).await;
    }
    for column in [TextColumn::IssueTitle] {
        for row in store
            .texts(column, &[shop.id], &TextRow::default())
            .await
            .unwrap()
        {
            let new = row.text.replace(&label, "[erased]");
            let texts = vec![TextChange { column, row, new }];
            apply(
                &store,
                &shop,
                &Changes {
                    texts,
                    ..Changes::default()
                },
            )
            .await;
        }
    }
    let claimed = claim(&store, &shop, false).await;
    let cleaned = store.clean_files(&claimed, false, NOW).await.unwrap();
    assert_eq!(cleaned, Cleaned::Cleaned);
    assert!(!has_secret(&bytes_of(&store)));
    let cleaned = store.clean_files(&claimed, true, NOW).await.unwrap();
    assert_eq!(cleaned, Cleaned::Compacted);
    // A process that was killed while it rewrote the files keeps nobody waiting.
    assert!(store.claim_job(UnixMillis::now()).await.unwrap().is_none());
    assert_eq!(store.free_jobs_of_the_dead().await.unwrap(), 1);
    let again = store.claim_job(UnixMillis::now()).await.unwrap().unwrap();
    assert_eq!(again.job.id, claimed.job.id);
}

#[tokio::test]
async fn a_reader_in_the_way_of_the_log_keeps_no_writer_waiting() {
    let store = crate::backend::sqlite().await;
    let shop = two_events(&store).await;
    let path = store.url.strip_prefix("sqlite:").unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut reader = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    for sql in ["BEGIN", "SELECT COUNT(*) FROM event"] {
        reader.execute(sql).await.unwrap();
    }
    store_batch(
        &store,
        Batch {
            events: vec![event(&shop, 500, 1)],
            ..Batch::default()
        },
    )
    .await;
    let claimed = claim(&store, &shop, false).await;
    let cleaning = store.clean_files(&claimed, false, NOW);
    let writing = async {
        for id in 501.. {
            let began = std::time::Instant::now();
            let events = vec![event(&shop, id, 1)];
            let batch = Batch {
                events,
                ..Batch::default()
            };
            store_batch(&store, batch).await;
            assert!(began.elapsed() < Duration::from_secs(2), "a writer waited");
        }
    };
    // Somebody writes for as long as the log is tried.
    let both = async {
        tokio::select! {
            cleaned = cleaning => cleaned,
            () = writing => unreachable!("it writes without end"),
        }
    };
    let cleaned = tokio::time::timeout(Duration::from_secs(30), both)
        .await
        .unwrap();
    assert_eq!(cleaned.unwrap(), Cleaned::LogInUse);
    reader.execute("ROLLBACK").await.unwrap();
    let cleaned = store.clean_files(&claimed, false, NOW).await.unwrap();
    assert_eq!(cleaned, Cleaned::Cleaned);
}

#[tokio::test]
async fn postgres_is_asked_to_vacuum() {
    let Some(store) = crate::backend::postgres().await else {
        return;
    };
    let shop = two_events(&store).await;
    let claimed = claim(&store, &shop, false).await;
    for (compact, expected) in [(false, Cleaned::Vacuumed), (true, Cleaned::Compacted)] {
        let cleaned = store.clean_files(&claimed, compact, NOW).await.unwrap();
        assert_eq!(cleaned, expected);
    }
}

#[tokio::test]
async fn a_user_of_postgres_who_may_not_vacuum_is_told_so() {
    let Some(store) = crate::backend::postgres().await else {
        return;
    };
    let shop = two_events(&store).await;
    let weak = format!("weak_{}", std::process::id());
    let mut connection = sqlx::PgConnection::connect(&store.url).await.unwrap();
    for sql in [
        format!("CREATE ROLE {weak}"),
        format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {weak}"),
        format!("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {weak}"),
        format!("REVOKE TRUNCATE ON ALL TABLES IN SCHEMA public FROM {weak}"),
    ] {
        connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    }
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::INT")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    if version >= 170_000 {
        let sql = format!("REVOKE MAINTAIN ON ALL TABLES IN SCHEMA public FROM {weak}");
        connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    }
    let mark = if store.url.contains('?') { '&' } else { '?' };
    let as_weak = bugle_store::Options {
        database_url: format!("{}{mark}options=-c%20role%3D{weak}", store.url),
        blob_folder: std::env::temp_dir(),
    };
    let weak_store = Store::open(&as_weak).await.unwrap();
    let claimed = claim(&weak_store, &shop, false).await;
    let cleaned = weak_store.clean_files(&claimed, false, NOW).await.unwrap();
    assert_eq!(cleaned, Cleaned::NotVacuumed);
    weak_store.close().await;
    for sql in [format!("DROP OWNED BY {weak}"), format!("DROP ROLE {weak}")] {
        connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    }
}
