//! Short texts of other tables.

use std::collections::BTreeSet;

use bugle_store::{Changes, Mentioned, Person, StoreError, TextChange, TextColumn, TextRow};

use super::Erasure;
use crate::jobs::judge;
use crate::jobs::place::Step;
use crate::jobs::work::{End, aside};

/// How often a page of texts is read again that somebody changed while it was looked at.
const TRIES: u32 = 5;

impl Erasure<'_> {
    pub(super) async fn texts(&mut self, number: usize) -> Result<Option<End>, StoreError> {
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
        let rows = self.without_gone(column, rows).await?;
        let (changes, near) = aside(move || text_changes(column, rows, &person)).await?;
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
            self.report.near += near;
        }
        Ok(None)
    }

    /// Without the rows that a dry run has counted as gone.
    async fn without_gone(
        &self,
        column: TextColumn,
        mut rows: Vec<TextRow>,
    ) -> Result<Vec<TextRow>, StoreError> {
        let issues = self.place.empty_issues();
        match column {
            TextColumn::HashValues => {
                let gone = self.work.store.hash_values_of_issues(&issues).await?;
                let gone: BTreeSet<_> = gone
                    .into_iter()
                    .map(|(_, row)| (row.id, row.hash))
                    .collect();
                rows.retain(|row| !gone.contains(&(row.id, row.hash.clone())));
            }
            TextColumn::IssueTitle | TextColumn::IssueCulprit | TextColumn::IssueMetadata => {
                let gone: BTreeSet<_> = issues.into_iter().map(|issue| issue.0).collect();
                rows.retain(|row| !gone.contains(&row.id));
            }
            _ => rows.retain(|row| !self.is_gone(column, row)),
        }
        Ok(rows)
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
}

/// What becomes of texts, and how many hold the identifier as a part of something longer.
fn text_changes(column: TextColumn, rows: Vec<TextRow>, person: &Person) -> (Changes, u64) {
    let Some(mentions) = person.mentions() else {
        return (Changes::default(), 0);
    };
    let near = rows
        .iter()
        .filter(|row| mentions.is_near(row.text.as_bytes()));
    let near = near.count() as u64;
    let change = |row: TextRow| {
        let new = judge::text(column, &row.text, mentions)?;
        Some(TextChange { column, row, new })
    };
    let changes = Changes {
        texts: rows.into_iter().filter_map(change).collect(),
        ..Changes::default()
    };
    (changes, near)
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
