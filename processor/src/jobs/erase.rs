//! Erases a person, or says what that would come to.

mod texts;
mod walks;

use std::time::{Duration, Instant};

use bugle_protocol::UnixMillis;
use bugle_store::{Applied, Changes, Checkpoint, ErasureReport, Person, StoreError, StoredKind};

use super::place::{Place, Step};
use super::work::{End, Rhythm, Work, aside};
use super::{judge, queue};

/// How often, and for how long, files are looked at again that were sent anew a moment ago.
const FILE_PAUSE: Duration = Duration::from_secs(1);
const FILE_PATIENCE: Duration = Duration::from_secs(120);

/// How often a job says that it lives while it reads what it cannot stop in.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// Works on the job to its end.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn run(work: &Work<'_>) -> Result<End, StoreError> {
    let mut erasure = Erasure::new(work).await?;
    loop {
        if work.is_stopped() {
            return Ok(End::Stopped);
        }
        if let Some(end) = erasure.step().await? {
            return Ok(end);
        }
    }
}

/// Erasing, and how far it is.
struct Erasure<'w> {
    work: &'w Work<'w>,
    /// `None` once only the database's files are left to do.
    person: Option<Person>,
    place: Place,
    report: ErasureReport,
    done: u64,
    total: u64,
    rhythm: Rhythm,
    tries: u32,
}

impl<'w> Erasure<'w> {
    async fn new(work: &'w Work<'w>) -> Result<Self, StoreError> {
        let job = &work.claimed.job;
        let mut place: Place = match job.position.as_str() {
            "" => Place::new(work.is_dry_run()),
            text => serde_json::from_str(text)
                .map_err(|_| StoreError::Damaged("a job's position cannot be read"))?,
        };
        let parse = |text: &String| Person::parse(text, job.parameters.own_only);
        let person = job.parameters.person.as_ref().map(parse).transpose();
        // What is wrong with it would name it.
        let person = person.map_err(|_| StoreError::Damaged("a job's identifier is none"))?;
        if person.is_none() && place.step != Step::Storage {
            return Err(StoreError::Damaged("a job's identifier is missing"));
        }
        if job.position.is_empty() {
            walks::begin_first(work, &mut place).await?;
        }
        let total = work.total().await;
        Ok(Self {
            work,
            person,
            place,
            report: serde_json::from_str(&job.report).unwrap_or_default(),
            done: job.done,
            total,
            rhythm: Rhythm::new(),
            tries: 0,
        })
    }

    /// Does the next bit; says how it ended if there is nothing more to do.
    async fn step(&mut self) -> Result<Option<End>, StoreError> {
        match self.place.step {
            Step::Events => self.stored(StoredKind::Event, Step::Transactions).await,
            Step::Transactions => self.stored(StoredKind::Transaction, Step::Feedback).await,
            Step::Feedback => self.feedback().await,
            Step::Texts(column) => self.texts(column).await,
            Step::Users => self.users().await,
            Step::Wait => self.wait().await,
            Step::Files => self.files().await,
            Step::Queue => self.queue().await,
            Step::Storage => self.storage().await,
        }
    }

    fn person(&self) -> Result<Person, StoreError> {
        let missing = StoreError::Damaged("a job's identifier is missing");
        self.person.clone().ok_or(missing)
    }

    async fn stored(&mut self, kind: StoredKind, next: Step) -> Result<Option<End>, StoreError> {
        let projects = &self.work.projects;
        let rows = self
            .work
            .store
            .stored_rows(kind, projects, self.place.after);
        let rows = rows.await?;
        let Some(last) = rows.last() else {
            return self.end_of_stored(kind, next).await;
        };
        let (last, count) = (last.row, rows.len() as u64);
        let person = self.person()?;
        let in_question = self.place.walks.in_question();
        let judged = aside(move || judge::rows(kind, &rows, &person, &in_question));
        let judgement = judged.await??;
        self.place.after = last;
        let walks = &mut self.place.walks;
        walks.clear(&judgement.staying);
        if walks.is_for_users && self.work.is_dry_run() {
            // All has been counted.
            return self.apply(&Changes::default()).await;
        }
        walks.suspect(&judgement.suspects);
        if walks.ended == 0 {
            self.done += count;
        }
        if !walks.is_for_users {
            self.report.unreadable += judgement.unreadable;
            self.report.near += judgement.near;
        }
        let changes = judgement.changes;
        self.place.count_events(&changes.gone_events);
        self.report.events += changes.gone_events.len() as u64;
        self.report.transactions += changes.gone_transactions.len() as u64;
        self.report.mentions.events += changes.events.len() as u64;
        self.report.mentions.transactions += changes.transactions.len() as u64;
        self.apply(&changes).await
    }

    async fn feedback(&mut self) -> Result<Option<End>, StoreError> {
        let projects = &self.work.projects;
        let authors = self.work.store.feedback_authors(projects, self.place.after);
        let authors = authors.await?;
        let Some(last) = authors.last() else {
            let mentions = self.person()?.mentions().is_some();
            let next = if mentions {
                Step::Texts(0)
            } else {
                Step::Users
            };
            return self.go_to(next).await;
        };
        self.place.after = last.0;
        let person = self.person()?;
        let own = authors.into_iter().filter(|(_, _, _, name, email)| {
            let mut texts = [name, email].into_iter().flatten();
            texts.any(|text| person.is(text))
        });
        let changes = Changes {
            gone_feedback: own
                .map(|(row, project, id, ..)| (row, project, id))
                .collect(),
            ..Changes::default()
        };
        self.apply(&changes).await
    }

    async fn files(&mut self) -> Result<Option<End>, StoreError> {
        for (blob, count) in self.place.counted_files() {
            let all = self.work.store.attachments_with_blob(blob).await?;
            self.report.files += u64::from(all <= count);
        }
        let began = Instant::now();
        self.remove_files().await?;
        while !self.place.blobs().is_empty() && began.elapsed() < FILE_PATIENCE {
            self.work.pause(FILE_PAUSE).await;
            if self.work.is_stopped() {
                return Ok(None);
            }
            self.remove_files().await?;
            if !self.note().await? {
                return Ok(Some(End::Lost));
            }
        }
        self.go_to(Step::Queue).await
    }

    /// Deletes the files of what went, as far as nobody else needs them.
    async fn remove_files(&mut self) -> Result<(), StoreError> {
        let removed = self
            .work
            .store
            .remove_unused_blobs(&self.place.blobs())
            .await?;
        self.report.files += removed.removed;
        self.place.set_blobs(&removed.undecided);
        Ok(())
    }

    async fn queue(&mut self) -> Result<Option<End>, StoreError> {
        let queue = self.work.queue.clone();
        let processed = self.work.store.queue_position(queue.id()).await?;
        let person = self.person()?;
        let mut looking = std::pin::pin!(aside(move || queue::look(&queue, processed, &person)));
        self.report.queue = loop {
            tokio::select! {
                looked = &mut looking => break looked??,
                // A long backlog takes longer than a lease lasts.
                () = tokio::time::sleep(SIGN_OF_LIFE) => {
                    if !self.note().await? {
                        return Ok(Some(End::Lost));
                    }
                }
            }
        };
        // What the queue holds no more may have been stored behind the last walk's back.
        let mark = self.work.store.stored_mark().await?;
        self.report.newer = !self.work.is_dry_run() && mark != self.place.walks.mark;
        if self.work.is_dry_run() {
            return Ok(Some(self.end().await?));
        }
        let noted = self.go_to(Step::Storage).await?;
        let is_ours = self
            .work
            .store
            .forget_person_of_job(&self.work.claimed)
            .await?;
        self.person = None;
        Ok(if is_ours { noted } else { Some(End::Lost) })
    }

    async fn storage(&mut self) -> Result<Option<End>, StoreError> {
        let compact = self.work.claimed.job.parameters.compact;
        let now = UnixMillis::now();
        let cleaned = self
            .work
            .store
            .clean_files(&self.work.claimed, compact, now);
        self.report.storage = cleaned.await?.name().to_owned();
        Ok(Some(self.end().await?))
    }

    async fn end(&mut self) -> Result<End, StoreError> {
        self.done = self.done.max(self.total);
        Ok(if self.note().await? {
            End::Done
        } else {
            End::Lost
        })
    }

    async fn go_to(&mut self, step: Step) -> Result<Option<End>, StoreError> {
        self.place.go_to(step);
        Ok((!self.note().await?).then_some(End::Lost))
    }

    /// Writes progress now.
    async fn note(&mut self) -> Result<bool, StoreError> {
        let checkpoint = checkpoint(&self.place, &self.report, self.done, self.total);
        self.work.note(&checkpoint).await
    }

    async fn apply(&mut self, changes: &Changes) -> Result<Option<End>, StoreError> {
        let applied = self.try_apply(changes).await?;
        Ok(applied.is_none().then_some(End::Lost))
    }

    /// Writes changes and progress, and deletes the files that went with them; `None` if the job is not ours any more. Where
    /// there is nothing to change, progress is written now and then.
    async fn try_apply(&mut self, changes: &Changes) -> Result<Option<Applied>, StoreError> {
        if changes.is_empty() {
            let is_ours = !self.rhythm.is_due() || self.note().await?;
            return Ok(is_ours.then(Applied::default));
        }
        self.place.walks.has_found = true;
        let (done, total) = (self.done, self.total);
        let (place, report) = (&mut self.place, &mut self.report);
        let applied = self.work.apply(changes, |applied| {
            place.count(applied, report);
            checkpoint(place, report, done, total)
        });
        let applied = applied.await?;
        if applied.is_some() && !self.work.is_dry_run() {
            self.remove_files().await?;
        }
        Ok(applied)
    }
}

fn checkpoint(place: &Place, report: &ErasureReport, done: u64, total: u64) -> Checkpoint {
    Checkpoint {
        position: serde_json::to_string(place).unwrap_or_default(),
        report: serde_json::to_string(report).unwrap_or_default(),
        total: total.max(done),
        done,
    }
}
