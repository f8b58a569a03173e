//! How often all tables are walked over, and what a walk ends with: the users of issues.
//!
//! What was in the queue when the job began has to be found: it is waited for, and if something was stored since a walk
//! began, another one follows.

use std::time::{Duration, Instant};

use bugle_store::{Changes, StoreError, StoredKind};

use super::Erasure;
use crate::jobs::place::{Place, Step};
use crate::jobs::work::{End, Work};

/// Users that are taken out of the issues' sets at once.
const USERS: usize = 200;

/// Walks at most: on a busy server there is always something new, and what came after the job began is not its business.
const WALKS: u32 = 4;

/// How long the queue's processing of what was there at the beginning is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// Notes what there is before the first walk reads anything.
pub(super) async fn begin_first(work: &Work<'_>, place: &mut Place) -> Result<(), StoreError> {
    place.walks.queue = work.queue.id().to_owned();
    place.walks.until = work.queue.last_position();
    place.walks.mark = work.store.stored_mark().await?;
    Ok(())
}

impl Erasure<'_> {
    /// Behind the last event or transaction.
    pub(super) async fn end_of_stored(
        &mut self,
        kind: StoredKind,
        next: Step,
    ) -> Result<Option<End>, StoreError> {
        if kind == StoredKind::Event && !self.place.walks.is_for_users {
            for (project, issue, gone) in self.place.counted_events() {
                let all = self
                    .work
                    .store
                    .count_stored_of_issue(project, issue)
                    .await?;
                if all <= gone {
                    self.place.empty_issue(issue);
                }
            }
            if self.work.is_dry_run() {
                self.report.issues = self.place.empty_issues().len() as u64;
            }
        }
        let is_for_users = self.place.walks.is_for_users;
        self.go_to(if is_for_users { Step::Users } else { next })
            .await
    }

    pub(super) async fn users(&mut self) -> Result<Option<End>, StoreError> {
        let hashes = self.person()?.user_hashes();
        let counted = self.work.store.counted_users(&self.work.projects, &hashes);
        let mut users = counted.await?;
        // The walk has found no event of theirs that stays.
        users.extend(self.place.walks.in_question());
        for users in users.chunks(USERS) {
            let changes = Changes {
                gone_users: users.to_vec(),
                ..Changes::default()
            };
            let has_found = self.place.walks.has_found;
            if let Some(end) = self.apply(&changes).await? {
                return Ok(Some(end));
            }
            // Users alone are no reason for another walk.
            self.place.walks.has_found = has_found;
        }
        self.place.walks.in_question.clear();
        if self.is_behind().await? {
            return self.go_to(Step::Wait).await;
        }
        self.turn().await
    }

    /// Whether something waits in the queue that was there when the job began.
    async fn is_behind(&self) -> Result<bool, StoreError> {
        let walks = &self.place.walks;
        let is_left = !self.work.is_dry_run() && self.work.has_processor;
        Ok(is_left && self.work.store.queue_position(&walks.queue).await? < walks.until)
    }

    pub(super) async fn wait(&mut self) -> Result<Option<End>, StoreError> {
        let began = Instant::now();
        while self.is_behind().await? && began.elapsed() < PATIENCE {
            self.work.pause(PAUSE).await;
            if self.work.is_stopped() {
                return Ok(None);
            }
            if self.rhythm.is_due() && !self.note().await? {
                return Ok(Some(End::Lost));
            }
        }
        self.turn().await
    }

    /// Ends a walk, and begins another one if there is a reason.
    async fn turn(&mut self) -> Result<Option<End>, StoreError> {
        let mark = self.work.store.stored_mark().await?;
        let is_dry_run = self.work.is_dry_run();
        let walks = &mut self.place.walks;
        let has_moved = !is_dry_run && mark != walks.mark;
        walks.ended += 1;
        let is_worth_it = has_moved && (walks.ended == 1 || walks.has_found || walks.is_for_users);
        let may_go_on = walks.ended < WALKS;
        if may_go_on && (is_worth_it || !walks.suspects.is_empty()) {
            walks.mark = mark;
            walks.has_found = false;
            walks.is_for_users = !is_worth_it;
            walks.in_question = std::mem::take(&mut walks.suspects);
            if is_worth_it {
                self.report.near = 0;
                self.report.unreadable = 0;
            }
            return self.go_to(Step::Events).await;
        }
        self.go_to(Step::Files).await
    }
}
