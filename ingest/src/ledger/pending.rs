//! Counts and rejections that are not on disk yet, in bounded memory.

use std::collections::{HashMap, VecDeque};

use bugle_protocol::{DataCategory, KeyId, Outcome, ProjectId, UnixMillis};
use bugle_store::queue::Tally;
use bugle_store::{NewRejection, OutcomeCount};

use super::Refusal;

/// With so many rows everything is counted in the hour of the first: counts may lose their hour, but never their sum.
const MANY_ROWS: usize = 10_000;

/// Rejections kept of a project.
const REJECTIONS_OF_PROJECT: usize = 20;

/// Rejections kept of all projects.
const MAX_REJECTIONS: usize = 2000;

/// What was counted since the last tally.
#[derive(Debug, Default)]
pub(super) struct Pending {
    counts: HashMap<Row, i64>,
    rejections: HashMap<ProjectId, VecDeque<NewRejection>>,
    /// How many rejections there are in all.
    kept: usize,
    first_hour: Option<UnixMillis>,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Row {
    project_id: ProjectId,
    key_id: KeyId,
    hour: UnixMillis,
    category: DataCategory,
    outcome: Outcome,
}

impl Pending {
    /// How many sums there are.
    pub(super) fn rows(&self) -> usize {
        self.counts.len()
    }

    pub(super) fn add(&mut self, refusal: Refusal) {
        let rejection = refusal.rejection;
        for (category, outcome, quantity) in refusal.counts {
            let row = Row {
                project_id: rejection.project_id,
                key_id: rejection.key_id,
                hour: rejection.received_at.hour(),
                category,
                outcome,
            };
            self.count(row, i64::try_from(quantity).unwrap_or(i64::MAX));
        }
        self.keep(rejection);
    }

    /// Everything, to be written.
    pub(super) fn take(&mut self) -> Tally {
        let taken = std::mem::take(self);
        let counts = taken.counts.into_iter();
        let outcomes = counts.map(|(row, quantity)| OutcomeCount {
            project_id: row.project_id,
            key_id: row.key_id,
            received_at: row.hour,
            category: row.category,
            outcome: row.outcome,
            quantity,
        });
        Tally {
            outcomes: outcomes.collect(),
            rejections: taken.rejections.into_values().flatten().collect(),
        }
    }

    /// Takes back what could not be written; it is older than what has come since.
    pub(super) fn put_back(&mut self, tally: Tally) {
        let newer = self.take();
        for tally in [tally, newer] {
            for count in tally.outcomes {
                let row = Row {
                    project_id: count.project_id,
                    key_id: count.key_id,
                    hour: count.received_at,
                    category: count.category,
                    outcome: count.outcome,
                };
                self.count(row, count.quantity);
            }
            tally.rejections.into_iter().for_each(|r| self.keep(r));
        }
    }

    fn count(&mut self, mut row: Row, quantity: i64) {
        let first_hour = *self.first_hour.get_or_insert(row.hour);
        if self.counts.len() >= MANY_ROWS {
            row.hour = first_hour;
        }
        let sum = self.counts.entry(row).or_default();
        *sum = sum.saturating_add(quantity);
    }

    /// Keeps a rejection; the oldest of its project makes room.
    fn keep(&mut self, rejection: NewRejection) {
        let of_project = self.rejections.entry(rejection.project_id).or_default();
        if of_project.len() >= REJECTIONS_OF_PROJECT {
            of_project.pop_front();
            of_project.push_back(rejection);
        } else if self.kept < MAX_REJECTIONS {
            self.kept += 1;
            of_project.push_back(rejection);
        }
    }
}

#[cfg(test)]
mod tests {
    use bugle_protocol::LimitReason;

    use super::*;

    fn refusal(project: i64, hour: i64, quantity: u64) -> Refusal {
        let outcome = Outcome::RateLimited(LimitReason::ProjectQuota);
        Refusal {
            counts: vec![(DataCategory::Error, outcome, quantity)],
            rejection: NewRejection {
                project_id: ProjectId(project),
                key_id: KeyId(1),
                received_at: UnixMillis(hour * 3_600_000 + 5),
                status: 429,
                item_type: String::new(),
                outcome,
                detail: format!("{quantity}"),
                client: String::new(),
                size: 1,
            },
        }
    }

    fn sum(tally: &Tally) -> i64 {
        tally.outcomes.iter().map(|count| count.quantity).sum()
    }

    #[test]
    fn equal_outcomes_of_an_hour_are_one_row() {
        let mut pending = Pending::default();
        for quantity in 1..=30 {
            pending.add(refusal(1, 7, quantity));
        }
        pending.add(refusal(1, 8, 1000));
        assert_eq!(pending.rows(), 2);
        let tally = pending.take();
        assert_eq!(sum(&tally), 465 + 1000);
        let kept: Vec<_> = tally.rejections.iter().map(|r| r.detail.as_str()).collect();
        assert_eq!((kept.len(), kept[0], kept[19]), (20, "12", "1000"));
        assert_eq!(pending.take(), Tally::default());
    }

    #[test]
    fn what_could_not_be_written_comes_before_what_is_newer() {
        let mut pending = Pending::default();
        (0..20).for_each(|n| pending.add(refusal(1, 1, n)));
        let failed = pending.take();
        pending.add(refusal(1, 1, 100));
        pending.put_back(failed);
        let tally = pending.take();
        assert_eq!(sum(&tally), 190 + 100);
        assert_eq!(tally.rejections.len(), 20);
        assert_eq!(tally.rejections[19].detail, "100");
    }

    #[test]
    fn memory_is_bounded_and_no_count_is_lost() {
        let mut pending = Pending::default();
        for hour in 0..30_000 {
            pending.add(refusal(hour % 3000, hour, 1));
        }
        assert!(pending.rows() <= MANY_ROWS + 3000);
        let tally = pending.take();
        assert_eq!(sum(&tally), 30_000);
        assert!(tally.rejections.len() <= MAX_REJECTIONS);
    }
}
