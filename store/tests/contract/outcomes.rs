use std::time::Duration;

use bugle_protocol::{DataCategory, DiscardReason, KeyId, Outcome, UnixMillis};
use bugle_store::{Batch, OutcomeCount, OutcomePoint, OutcomeQuery, OutcomeStep, Project};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW, outcome, outcomes, store_batch};

on_both_backends!(
    a_series_has_a_point_for_each_stretch_and_kind,
    totals_can_be_told_by_key,
    what_is_taken_back_is_gone,
);

const HOUR: Duration = Duration::from_secs(3600);

async fn keep(store: &TestStore, outcomes: Vec<OutcomeCount>) {
    let batch = Batch {
        outcomes,
        ..Batch::default()
    };
    store_batch(store, batch).await;
}

/// The points as `project hours before NOW's: category outcome reason quantity`.
fn lines(points: &[OutcomePoint]) -> Vec<String> {
    let line = |point: &OutcomePoint| {
        let hours = (NOW.hour().0 - point.time.0) / 3_600_000;
        format!(
            "{} -{hours}h: {} {} {} {}",
            point.project_id, point.category, point.outcome, point.reason, point.quantity
        )
    };
    points.iter().map(line).collect()
}

async fn a_series_has_a_point_for_each_stretch_and_kind(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    let count = |project: &Project, hours: u32, quantity| OutcomeCount {
        received_at: NOW.before(HOUR * hours),
        ..outcome(project, DataCategory::Error, Outcome::Accepted, quantity)
    };
    let second_key = OutcomeCount {
        key_id: KeyId(2),
        ..count(&project, 0, 2)
    };
    let invalid = Outcome::Invalid(DiscardReason::TooLarge);
    let some = vec![
        count(&project, 0, 1),
        second_key,
        outcome(&project, DataCategory::Session, invalid, 4),
        count(&project, 1, 8),
        count(&project, 7, 16),
        count(&project, 24, 32),
        count(&project, 50, 64),
        count(&other, 1, 128),
    ];
    keep(&store, some).await;
    // NOW is in the ninth hour of its day.
    assert_eq!(NOW.hour().0 % OutcomeStep::Day.millis(), 8 * 3_600_000);
    let series = async |projects: &[&Project], hours, step, categories: &[DataCategory]| {
        let query = OutcomeQuery {
            projects: projects.iter().map(|project| project.id).collect(),
            from: NOW.before(HOUR * hours),
            to: NOW,
            step,
            categories: categories.to_vec(),
        };
        lines(&store.outcome_series(&query).await.unwrap())
    };
    assert_eq!(
        series(&[&project], 10, OutcomeStep::Hour, &[]).await,
        [
            "1 -7h: error accepted  16",
            "1 -1h: error accepted  8",
            "1 -0h: error accepted  3",
            "1 -0h: session invalid too_large 4",
        ]
    );
    assert_eq!(
        series(&[&project, &other], 24, OutcomeStep::Day, &[]).await,
        [
            "1 -32h: error accepted  32",
            "1 -8h: error accepted  27",
            "1 -8h: session invalid too_large 4",
            "2 -8h: error accepted  128",
        ]
    );
    assert_eq!(
        series(
            &[&project],
            0,
            OutcomeStep::Hour,
            &[DataCategory::Session, DataCategory::Span]
        )
        .await,
        ["1 -0h: session invalid too_large 4"]
    );
    let nothing: [&str; 0] = [];
    assert_eq!(series(&[], 24, OutcomeStep::Day, &[]).await, nothing);
    let ended = OutcomeQuery {
        projects: vec![project.id],
        from: NOW.before(HOUR * 60),
        to: NOW.before(HOUR).hour(),
        step: OutcomeStep::Day,
        categories: Vec::new(),
    };
    assert_eq!(
        lines(&store.outcome_series(&ended).await.unwrap()),
        [
            "1 -56h: error accepted  64",
            "1 -32h: error accepted  32",
            "1 -8h: error accepted  16",
        ],
        "the hour of the end is left out"
    );
}

async fn totals_can_be_told_by_key(store: TestStore) {
    let project = samples::project(&store).await;
    let by = |key, quantity| OutcomeCount {
        key_id: KeyId(key),
        ..outcome(&project, DataCategory::Error, Outcome::Accepted, quantity)
    };
    keep(&store, vec![by(2, 1), by(1, 2), by(2, 4)]).await;
    let totals = store.outcome_totals_by_key(project.id, NOW).await.unwrap();
    let totals: Vec<_> = totals
        .iter()
        .map(|(key, total)| (*key, total.outcome.as_str(), total.quantity))
        .collect();
    assert_eq!(
        totals,
        [(KeyId(1), "accepted", 2), (KeyId(2), "accepted", 5)]
    );
}

async fn what_is_taken_back_is_gone(store: TestStore) {
    let project = samples::project(&store).await;
    let failed = Outcome::Invalid(DiscardReason::Internal);
    let count = |how, quantity| outcome(&project, DataCategory::Error, how, quantity);
    keep(&store, vec![count(failed, 1)]).await;
    assert_eq!(
        outcomes(&store, &project).await,
        ["error invalid internal 1"]
    );
    // A second try ends in the same, a third one well.
    keep(&store, vec![count(failed, -1), count(failed, 1)]).await;
    let third = vec![count(failed, -1), count(Outcome::Accepted, 1)];
    keep(&store, third).await;
    assert_eq!(outcomes(&store, &project).await, ["error accepted 1"]);
    let query = OutcomeQuery {
        projects: vec![project.id],
        from: UnixMillis(0),
        to: NOW,
        step: OutcomeStep::Day,
        categories: Vec::new(),
    };
    let points = store.outcome_series(&query).await.unwrap();
    assert_eq!(points.len(), 1);
}
