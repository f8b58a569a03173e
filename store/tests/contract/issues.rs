use std::time::Duration;

use bugle_store::{IssueFilter, IssueStatus};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW, event, event_id, issue_of, record};

on_both_backends!(
    pages_lead_through_all_issues_and_back,
    a_search_narrows_the_list,
    statuses_are_counted,
    events_know_their_neighbours,
    events_lead_to_their_issues,
);

async fn pages_lead_through_all_issues_and_back(store: TestStore) {
    let project = samples::project(&store).await;
    let events = (0..25u8).map(|i| {
        // Two issues each share a last event's time, so that the id has to tell them apart.
        let timestamp = NOW.after(Duration::from_secs(u64::from(i / 2)));
        bugle_store::NewEvent {
            timestamp,
            ..event(&project, u128::from(i), i)
        }
    });
    record(&store, events.collect()).await;
    let mut filter = IssueFilter::new(vec![project.id], 10);
    let mut seen = Vec::new();
    let mut pages = Vec::new();
    loop {
        let page = store.issues(&filter).await.unwrap();
        seen.extend(page.issues.iter().map(|issue| issue.id));
        pages.push(page.clone());
        match page.next {
            Some(next) => filter.cursor = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(
        pages
            .iter()
            .map(|page| page.issues.len())
            .collect::<Vec<_>>(),
        [10, 10, 5]
    );
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), 25);
    assert_eq!(pages[0].previous, None);

    filter.cursor = pages[2].previous;
    let back = store.issues(&filter).await.unwrap();
    assert_eq!(back.issues, pages[1].issues);
    filter.cursor = back.previous;
    let first = store.issues(&filter).await.unwrap();
    assert_eq!((&first.issues, first.previous), (&pages[0].issues, None));
    assert!("1:2".parse::<bugle_store::Cursor>().is_err());
}

async fn a_search_narrows_the_list(store: TestStore) {
    let project = samples::project(&store).await;
    let mut warning = event(&project, 1, 1);
    warning.level = bugle_protocol::Level::Warning;
    warning.title = "100% of disk_space used".to_owned();
    warning.culprit = "/Admin/".to_owned();
    warning.release = None;
    let mut users = event(&project, 2, 2);
    users.is_unhandled = false;
    let recorded = record(
        &store,
        vec![warning, users, event(&project, 3, 3), event(&project, 4, 3)],
    )
    .await;
    let ids: Vec<_> = recorded.iter().map(|r| issue_of(*r)).collect();
    store
        .set_issue_status(ids[1], IssueStatus::Resolved, NOW)
        .await
        .unwrap();
    let all = [ids[2], ids[1], ids[0]];
    for (search, expected) in [
        ("", &all[..]),
        ("is:unresolved", &[ids[2], ids[0]]),
        ("!is:unresolved", &[ids[1]]),
        ("is:resolved", &[ids[1]]),
        ("is:new", &[ids[2], ids[0]]),
        ("is:unhandled", &[ids[2], ids[0]]),
        ("level:warning", &[ids[0]]),
        ("level:[warning, fatal]", &[ids[0]]),
        ("100%", &[ids[0]]),
        ("disk_space", &[ids[0]]),
        ("disk-space", &[]),
        ("title:ValueError*", &[ids[2], ids[1]]),
        ("valueerror", &[ids[2], ids[1]]),
        ("transaction:/admin/", &[ids[0]]),
        ("timesSeen:>1", &[ids[2]]),
        ("timesSeen:1 level:error", &[ids[1]]),
        ("has:release", &[ids[2], ids[1]]),
        ("!has:release OR timesSeen:2", &[ids[2], ids[0]]),
        ("!release:shop@1.0", &[ids[0]]),
        ("firstSeen:-1h", &all),
        ("lastSeen:+1h", &[]),
        ("lastSeen:>2026-01-01", &all),
    ] {
        let mut filter = IssueFilter::new(vec![project.id], 10);
        filter.search(search, NOW).unwrap();
        let found: Vec<_> = store
            .issues(&filter)
            .await
            .unwrap()
            .issues
            .iter()
            .map(|issue| issue.id)
            .collect();
        assert_eq!(found, expected, "{search}");
    }
}

async fn statuses_are_counted(store: TestStore) {
    let project = samples::project(&store).await;
    let recorded = record(
        &store,
        (0..6u8)
            .map(|i| event(&project, u128::from(i), i))
            .collect(),
    )
    .await;
    let ids: Vec<_> = recorded.iter().map(|r| issue_of(*r)).collect();
    store
        .set_issue_status(ids[0], IssueStatus::Resolved, NOW)
        .await
        .unwrap();
    for id in &ids[1..3] {
        store
            .set_issue_status(*id, IssueStatus::Archived, NOW)
            .await
            .unwrap();
    }
    let counts = store.status_counts(project.id).await.unwrap();
    assert_eq!(
        (counts.unresolved, counts.resolved, counts.archived),
        (3, 1, 2)
    );
}

async fn events_know_their_neighbours(store: TestStore) {
    let project = samples::project(&store).await;
    let events = (1..=3u64).map(|i| {
        let timestamp = NOW.after(Duration::from_secs(i));
        bugle_store::NewEvent {
            timestamp,
            ..event(&project, u128::from(i), 1)
        }
    });
    // The newest one comes in first.
    let id = issue_of(record(&store, events.rev().collect()).await[0]);
    let latest = store.latest_event(project.id, id).await.unwrap().unwrap();
    let oldest = store.oldest_event(project.id, id).await.unwrap().unwrap();
    assert_eq!(
        (latest.row.event_id, oldest.row.event_id),
        (event_id(3), event_id(1))
    );
    let middle = store.event(project.id, event_id(2)).await.unwrap().unwrap();
    let neighbours = store.event_neighbours(&middle.row).await.unwrap();
    assert_eq!(
        (neighbours.older, neighbours.newer),
        (Some(event_id(1)), Some(event_id(3)))
    );
    assert_eq!(
        store.event_neighbours(&latest.row).await.unwrap().newer,
        None
    );
    assert_eq!(
        store.event_neighbours(&oldest.row).await.unwrap().older,
        None
    );
}

async fn events_lead_to_their_issues(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    record(&store, vec![event(&project, 1, 1), event(&project, 2, 2)]).await;
    record(&store, vec![event(&other, 1, 1)]).await;
    let asked = [
        (project.id, event_id(1)),
        (project.id, event_id(2)),
        (other.id, event_id(1)),
        (other.id, event_id(2)),
    ];
    let found = store.issues_of_events(&asked).await.unwrap();
    let short_id = |asked| found.get(asked).map(|issue| issue.short_id.clone());
    for (i, (slug, number)) in [(&project.slug, 1), (&project.slug, 2), (&other.slug, 1)]
        .into_iter()
        .enumerate()
    {
        let expected = format!("{}-{number}", slug.to_uppercase());
        assert_eq!(short_id(&asked[i]), Some(expected));
    }
    assert_eq!(short_id(&asked[3]), None);
    assert!(!found[&asked[0]].title.is_empty());
    assert!(store.issues_of_events(&[]).await.unwrap().is_empty());
}
