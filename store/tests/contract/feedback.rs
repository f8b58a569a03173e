use std::time::Duration;

use bugle_protocol::KeyId;
use bugle_store::{Batch, FeedbackCursor, NewFeedback, Project};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW, event_id, outcomes, store_batch};

on_both_backends!(
    feedback_is_kept_once,
    feedback_is_listed_with_its_event,
    pages_lead_through_all_feedback_and_back,
    hostile_feedback_is_kept_within_bounds,
);

fn feedback(project: &Project, id: u128) -> NewFeedback {
    NewFeedback {
        project_id: project.id,
        key_id: KeyId(1),
        feedback_id: event_id(id),
        event_id: None,
        name: Some("Ada".to_owned()),
        email: None,
        message: format!("it broke {id} times"),
        url: Some("https://shop.example.com/".to_owned()),
        source: Some("widget".to_owned()),
        environment: Some("production".to_owned()),
        release: None,
        created_at: NOW.before(Duration::from_secs(5)),
        received_at: NOW,
    }
}

async fn keep(store: &TestStore, feedback: Vec<NewFeedback>) {
    let batch = Batch {
        feedback,
        ..Batch::default()
    };
    store_batch(store, batch).await;
}

async fn feedback_is_kept_once(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    let mut changed = feedback(&project, 1);
    changed.message = "it broke again".to_owned();
    let batch = vec![
        feedback(&project, 1),
        changed.clone(),
        feedback(&other, 1),
        feedback(&project, 2),
    ];
    keep(&store, batch).await;
    keep(&store, vec![changed]).await;
    assert_eq!(
        outcomes(&store, &project).await,
        ["feedback accepted 2", "feedback duplicate 2"]
    );
    let page = store.feedback(&[project.id], None, 10).await.unwrap();
    let messages: Vec<_> = page.feedback.iter().map(|one| &one.message).collect();
    assert_eq!(messages, ["it broke 2 times", "it broke 1 times"]);
    let one = &page.feedback[1];
    assert_eq!((one.project_id, one.feedback_id), (project.id, event_id(1)));
    assert_eq!((one.event_id, one.email.as_deref()), (None, None));
    assert_eq!(one.name.as_deref(), Some("Ada"));
    assert_eq!(one.source.as_deref(), Some("widget"));
    assert_eq!((one.created_at.0, one.received_at), (NOW.0 - 5000, NOW));
    let found = store.feedback_by_id(project.id, event_id(1)).await;
    assert_eq!(found.unwrap().as_ref(), Some(one));
    for (project, id) in [(project.id, 3), (samples::OTHER_PROJECT, 1)] {
        let found = store.feedback_by_id(project, event_id(id)).await;
        assert_eq!(found.unwrap(), None);
    }
}

#[test]
fn the_same_words_about_the_same_event_have_the_same_id() {
    let id = NewFeedback::id_of(event_id(1), "Ada", "a@b.c", "broken");
    for (event, name, email, message) in [
        (2, "Ada", "a@b.c", "broken"),
        (1, "Adaa", "@b.c", "broken"),
        (1, "Ada", "a@b.cb", "roken"),
        (1, "", "", "Adaa@b.cbroken"),
    ] {
        let other = NewFeedback::id_of(event_id(event), name, email, message);
        assert_ne!(id, other, "{event} {name} {email} {message}");
    }
    assert_eq!(
        id,
        NewFeedback::id_of(event_id(1), "Ada", "a@b.c", "broken")
    );
}

async fn feedback_is_listed_with_its_event(store: TestStore) {
    let project = samples::project(&store).await;
    let about = |id, event| NewFeedback {
        event_id: Some(event_id(event)),
        ..feedback(&project, id)
    };
    keep(
        &store,
        vec![about(1, 7), about(2, 8), about(3, 7), feedback(&project, 4)],
    )
    .await;
    let of = async |event, limit| {
        let found = store.feedback_of_event(project.id, event_id(event), limit);
        let found = found.await.unwrap().into_iter();
        found.map(|one| one.feedback_id).collect::<Vec<_>>()
    };
    assert_eq!(of(7, 10).await, [event_id(3), event_id(1)]);
    assert_eq!(of(7, 1).await, [event_id(3)]);
    assert_eq!(of(9, 10).await, []);
    let theirs = store
        .feedback_of_event(samples::OTHER_PROJECT, event_id(7), 10)
        .await;
    assert_eq!(theirs.unwrap(), []);
}

async fn pages_lead_through_all_feedback_and_back(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    let some = (0..25u8).map(|n| {
        let project = if n % 2 == 0 { &project } else { &other };
        // Three of each came in at the same time.
        let received_at = NOW.after(Duration::from_secs(u64::from(n / 3)));
        NewFeedback {
            received_at,
            ..feedback(project, u128::from(n))
        }
    });
    keep(&store, some.collect()).await;
    let projects = [project.id, other.id];
    let mut pages = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.feedback(&projects, cursor, 10).await.unwrap();
        pages.push(page.clone());
        match page.next {
            Some(next) => cursor = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    let ids = pages.iter().flat_map(|page| &page.feedback);
    let ids: Vec<_> = ids.map(|one| one.feedback_id).collect();
    let expected: Vec<_> = (0..25).rev().map(event_id).collect();
    assert_eq!(ids, expected);
    assert_eq!((pages.len(), pages[0].previous), (3, None));

    let back = store.feedback(&projects, pages[2].previous, 10).await;
    assert_eq!(back.as_ref().unwrap().feedback, pages[1].feedback);
    let first = store.feedback(&projects, back.unwrap().previous, 10).await;
    let first = first.unwrap();
    assert_eq!(
        (&first.feedback, first.previous),
        (&pages[0].feedback, None)
    );
    for bad in ["", "1", "1:2", "1:2:3", "1:2:0:0", "é:1:0"] {
        assert!(bad.parse::<FeedbackCursor>().is_err(), "{bad}");
    }
    let nothing = store.feedback(&[], None, 10).await.unwrap();
    assert_eq!(nothing.feedback, []);
}

async fn hostile_feedback_is_kept_within_bounds(store: TestStore) {
    let project = samples::project(&store).await;
    let long = "\0🦀".repeat(5000);
    let hostile = NewFeedback {
        name: Some(long.clone()),
        email: Some(long.clone()),
        message: long.clone(),
        url: Some(long.clone()),
        source: Some(long.clone()),
        environment: Some(long.clone()),
        release: Some(long),
        ..feedback(&project, 1)
    };
    keep(&store, vec![hostile]).await;
    let page = store.feedback(&[project.id], None, 10).await.unwrap();
    let kept = &page.feedback[0];
    assert_eq!(kept.message, "\u{fffd}🦀".repeat(2048));
    for (text, most) in [
        (&kept.name, 255),
        (&kept.email, 255),
        (&kept.url, 2048),
        (&kept.source, 255),
        (&kept.environment, 255),
        (&kept.release, 255),
    ] {
        let text = text.as_deref().unwrap();
        assert_eq!(text.chars().count(), most);
        assert!(!text.contains('\0'));
    }
}
