//! Keeps the processor's rules at what applies: nothing is processed before they are known.

use std::time::Duration;

use bugle_protocol::ProjectId;
use bugle_store::StoreError;
use tokio::sync::watch;

use super::{Processor, RETRY, report, wait};
use crate::rule_book::RuleBook;

/// How long the database may take for an answer before it is asked again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Up to which change the rules are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follower {
    /// The changes that this process had made.
    changes: u64,
    /// The revision in the database.
    revision: i64,
}

impl Processor {
    /// Loads the rules, asking until the database gives them; `None` if the server stops before. Without them data would be
    /// stored that a team wants removed.
    pub(super) async fn first_rules(&self, stop: &mut watch::Receiver<bool>) -> Option<Follower> {
        let mut pause = RETRY.0;
        loop {
            match self.load_rules(None).await {
                Ok(follower) => return Some(follower),
                Err(error) => report(&error, "could not read the rules; nothing is processed yet"),
            }
            if !wait(&mut pause, stop).await {
                return None;
            }
        }
    }

    /// Loads the rules again if some were saved, by whatever process: before each batch, so that what was saved before a
    /// request came applies to it. A number is asked for, which costs less than any event of the batch. `None` if the server
    /// stops before the database answers; while it does not, nothing could be stored either.
    pub(super) async fn follow_rules(
        &self,
        follower: Follower,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<Follower> {
        let mut pause = RETRY.0;
        loop {
            match tokio::time::timeout(PATIENCE, self.renewed(follower)).await {
                Ok(Ok(renewed)) => return Some(renewed),
                Ok(Err(error)) => report(&error, "could not read the rules"),
                Err(_) => tracing::error!("the database did not give the rules"),
            }
            if !wait(&mut pause, stop).await {
                return None;
            }
        }
    }

    async fn renewed(&self, follower: Follower) -> Result<Follower, StoreError> {
        let has_saved = self.store.rule_changes() != follower.changes;
        if has_saved || self.store.rule_revision().await? != follower.revision {
            return self.load_rules(None).await;
        }
        Ok(follower)
    }

    /// Loads the rules because a project was met that was not there when they were loaded last. `None` if the server stops
    /// before the database gives them.
    pub(super) async fn meet_project(
        &self,
        project: ProjectId,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<Follower> {
        let mut pause = RETRY.0;
        loop {
            match self.load_rules(Some(project)).await {
                Ok(follower) => return Some(follower),
                Err(error) => report(&error, "could not read the rules of a new project"),
            }
            if !wait(&mut pause, stop).await {
                return None;
            }
        }
    }

    /// Reads the rules of all projects; `met` is one that requests name, whether it exists or not.
    async fn load_rules(&self, met: Option<ProjectId>) -> Result<Follower, StoreError> {
        // Asked first: what is saved meanwhile is then seen the next time.
        let follower = Follower {
            changes: self.store.rule_changes(),
            revision: self.store.rule_revision().await?,
        };
        let versions = self.store.all_current_rules().await?;
        let projects = self.store.project_organizations().await?;
        let old = self.workshop.book();
        // Compiling takes milliseconds per document.
        let compile = || old.renewed(&versions, &projects);
        let mut book: RuleBook = tokio::task::block_in_place(compile);
        if let Some(project) = met.filter(|project| book.find(*project).is_none()) {
            book.add_lost(project);
        }
        self.workshop.set_book(book);
        Ok(follower)
    }
}
