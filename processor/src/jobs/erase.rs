//! Erases a person, or says what that would come to.

use std::time::{Duration, Instant};

use bugle_protocol::UnixMillis;
use bugle_store::{
    Applied, Changes, Checkpoint, ErasureReport, Mentioned, Person, StoreError, StoredKind,
    TextChange, TextColumn, TextRow,
};

use super::place::{Place, Step};
use super::work::{End, Rhythm, Work, aside};
use super::{judge, queue};

/// Users that are taken out of the issues' sets at once.
const USERS: usize = 200;

/// How often a page of texts is read again that somebody changed while it was looked at.
const TRIES: u32 = 5;

/// How often, and for how long, files are looked at again that were sent anew a moment ago.
const FILE_PAUSE: Duration = Duration::from_secs(1);
const FILE_PATIENCE: Duration = Duration::from_secs(120);

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
        let place: Place = match job.position.as_str() {
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
        let total = match job.total {
            0 => work.store.count_stored(&work.projects).await?,
            total => total,
        };
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
            return self.go_to(next).await;
        };
        let (last, count) = (last.row, rows.len() as u64);
        let person = self.person()?;
        let judged = aside(move || judge::rows(kind, &rows, &person, person.mentions()));
        let judgement = judged.await??;
        self.place.after = last;
        self.done += count;
        self.report.unreadable += judgement.unreadable;
        let changes = judgement.changes;
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

    async fn texts(&mut self, number: usize) -> Result<Option<End>, StoreError> {
        let Some(&column) = TextColumn::ALL.get(number) else {
            return self.go_to(Step::Users).await;
        };
        let projects = &self.work.projects;
        let after = self.place.text();
        let rows = self.work.store.texts(column, projects, &after).await?;
        let Some(last) = rows.last().cloned() else {
            return self.go_to(Step::Texts(number + 1)).await;
        };
        let person = self.person()?;
        let rows: Vec<TextRow> = rows
            .into_iter()
            .filter(|row| !self.is_gone(column, row))
            .collect();
        let changes = aside(move || text_changes(column, rows, &person)).await?;
        let wanted = changes.texts.len() as u64;
        let before = self.place.clone();
        self.place.set_text(&last);
        let Some(applied) = self.try_apply(&changes).await? else {
            return Ok(Some(End::Lost));
        };
        *count_of(&mut self.report.mentions, column) += applied.texts;
        self.tries += 1;
        if applied.texts < wanted && self.tries < TRIES {
            self.place = before;
        } else {
            self.tries = 0;
        }
        Ok(None)
    }

    /// Whether a dry run has counted the row as gone: then its texts are nobody's mention.
    fn is_gone(&self, column: TextColumn, row: &TextRow) -> bool {
        match column {
            TextColumn::FeedbackName
            | TextColumn::FeedbackEmail
            | TextColumn::FeedbackMessage
            | TextColumn::FeedbackUrl
            | TextColumn::FeedbackSource
            | TextColumn::FeedbackEnvironment
            | TextColumn::FeedbackRelease => self.place.is_gone_feedback(row.id),
            TextColumn::AttachmentName
            | TextColumn::AttachmentContentType
            | TextColumn::AttachmentType => self.place.is_gone_attachment(row.id),
            _ => false,
        }
    }

    async fn users(&mut self) -> Result<Option<End>, StoreError> {
        let hashes = self.person()?.user_hashes();
        let counted = self.work.store.counted_users(&self.work.projects, &hashes);
        for users in counted.await?.chunks(USERS) {
            let changes = Changes {
                gone_users: users.to_vec(),
                ..Changes::default()
            };
            if let Some(end) = self.apply(&changes).await? {
                return Ok(Some(end));
            }
        }
        self.go_to(Step::Files).await
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
        let looked = aside(move || queue::look(&queue, processed, &person)).await?;
        self.report.queue = looked?;
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
        self.done = self.total;
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

fn text_changes(column: TextColumn, rows: Vec<TextRow>, person: &Person) -> Changes {
    let Some(mentions) = person.mentions() else {
        return Changes::default();
    };
    let change = |row: TextRow| {
        let new = judge::text(column, &row.text, mentions)?;
        Some(TextChange { column, row, new })
    };
    Changes {
        texts: rows.into_iter().filter_map(change).collect(),
        ..Changes::default()
    }
}

/// Where a changed text of a column is counted.
fn count_of(mentions: &mut Mentioned, column: TextColumn) -> &mut u64 {
    match column {
        TextColumn::IssueTitle
        | TextColumn::IssueCulprit
        | TextColumn::IssueMetadata
        | TextColumn::IssueFirstRelease
        | TextColumn::IssueLastRelease
        | TextColumn::HashValues => &mut mentions.issues,
        TextColumn::FeedbackName
        | TextColumn::FeedbackEmail
        | TextColumn::FeedbackMessage
        | TextColumn::FeedbackUrl
        | TextColumn::FeedbackSource
        | TextColumn::FeedbackEnvironment
        | TextColumn::FeedbackRelease => &mut mentions.feedback,
        TextColumn::AttachmentName
        | TextColumn::AttachmentContentType
        | TextColumn::AttachmentType => &mut mentions.attachments,
        TextColumn::TransactionOp => &mut mentions.transactions,
        TextColumn::RejectionDetail | TextColumn::RejectionClient => &mut mentions.rejections,
        TextColumn::EnvironmentName | TextColumn::ReleaseVersion => &mut mentions.names,
    }
}
