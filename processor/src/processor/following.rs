//! Keeps the processor's rules at what applies: nothing is processed before they are known.

use std::time::Duration;

use bugle_protocol::{OrganizationId, ProjectId};
use bugle_store::{RuleVersion, StoreError};
use tokio::sync::watch;

use super::{Processor, RETRY, report, wait};

/// How long the database may take for an answer before it is asked again. How long compiling takes is nothing to it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Up to which change the rules are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follower {
    /// The changes that this process had made.
    changes: u64,
    /// The revision in the database.
    revision: i64,
}

/// The rules of all projects, as the database has them.
struct Stored {
    follower: Follower,
    versions: Vec<RuleVersion>,
    projects: Vec<(ProjectId, OrganizationId)>,
}

/// When the rules are loaded, and what is said when they cannot be.
struct Reason {
    /// Up to which change they are known; they are loaded if there is a later one.
    known: Option<Follower>,
    /// A project that requests name, whether it exists or not.
    met: Option<ProjectId>,
    failed: &'static str,
}

impl Processor {
    /// Loads the rules, asking until the database gives them; `None` if the server stops before. Without them data would be
    /// stored that a team wants removed.
    pub(super) async fn first_rules(&self, stop: &mut watch::Receiver<bool>) -> Option<Follower> {
        let reason = Reason {
            known: None,
            met: None,
            failed: "could not read the rules; nothing is processed yet",
        };
        self.load_rules(reason, stop).await
    }

    /// Loads the rules again if some were saved, by whatever process: before each batch, so that what was saved before a
    /// request came applies to it. A number is asked for, which costs less than any event of the batch. `None` if the server
    /// stops before the database answers; while it does not, nothing could be stored either.
    pub(super) async fn follow_rules(
        &self,
        follower: Follower,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<Follower> {
        let reason = Reason {
            known: Some(follower),
            met: None,
            failed: "could not read the rules",
        };
        self.load_rules(reason, stop).await
    }

    /// Loads the rules because a project was met that was not there when they were loaded last. `None` if the server stops
    /// before the database gives them.
    pub(super) async fn meet_project(
        &self,
        project: ProjectId,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<Follower> {
        let reason = Reason {
            known: None,
            met: Some(project),
            failed: "could not read the rules of a new project",
        };
        self.load_rules(reason, stop).await
    }

    async fn load_rules(
        &self,
        reason: Reason,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<Follower> {
        let mut pause = RETRY.0;
        loop {
            let read = self.read_rules(reason.known);
            match tokio::time::timeout(PATIENCE, read).await {
                Ok(Ok(None)) => return reason.known,
                Ok(Ok(Some(stored))) => {
                    let done = tokio::select! {
                        done = self.compile_rules(stored, reason.met) => done,
                        () = stopped(stop) => return None,
                    };
                    match done {
                        Ok(follower) => return Some(follower),
                        Err(error) => tracing::error!(%error, "could not compile the rules"),
                    }
                }
                Ok(Err(error)) => report(&error, reason.failed),
                Err(_) => tracing::error!("the database did not give the rules"),
            }
            if !wait(&mut pause, stop).await {
                return None;
            }
        }
    }

    /// Reads the rules of all projects; `None` if they are those that are known.
    async fn read_rules(&self, known: Option<Follower>) -> Result<Option<Stored>, StoreError> {
        // Asked first: what is saved meanwhile is then seen the next time.
        let follower = Follower {
            changes: self.store.rule_changes(),
            revision: self.store.rule_revision().await?,
        };
        let is_known = |known: Follower| {
            (known.changes, known.revision) == (follower.changes, follower.revision)
        };
        if known.is_some_and(is_known) {
            return Ok(None);
        }
        Ok(Some(Stored {
            follower,
            versions: self.store.all_current_rules().await?,
            projects: self.store.project_organizations().await?,
        }))
    }

    /// Compiles what is new of the rules. A large document takes seconds, so that has a thread of its own: meanwhile the last
    /// batch is stored, and the server stops if it is told to.
    async fn compile_rules(
        &self,
        stored: Stored,
        met: Option<ProjectId>,
    ) -> Result<Follower, tokio::task::JoinError> {
        let old = self.workshop.book();
        let follower = stored.follower;
        let compile = move || {
            let mut book = old.renewed(&stored.versions, &stored.projects);
            if let Some(project) = met.filter(|project| book.find(*project).is_none()) {
                book.add_lost(project);
            }
            book
        };
        let book = tokio::task::spawn_blocking(compile).await?;
        self.workshop.set_book(book);
        Ok(follower)
    }
}

/// Waits until the server stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever could say so is gone: that is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::{PublicKey, RuleTopic, UnixMillis};
    use bugle_store::queue::{Limits, Queue};
    use bugle_store::{NewProject, NewRuleVersion, Options, RuleOwner, Store};

    const NOW: UnixMillis = UnixMillis(1_795_163_904_106);

    /// A runtime with one thread, which compiling must not take.
    #[tokio::test(flavor = "current_thread")]
    async fn rules_are_compiled_beside_the_loop() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            database_url: format!("sqlite:{}", folder.path().join("bugle.db").display()),
            blob_folder: folder.path().join("blobs"),
        };
        let store = Store::open(&options).await.unwrap();
        store.migrate().await.unwrap();
        let acme = store.create_organization("acme", "Acme", NOW).await;
        let new = NewProject {
            organization_id: acme.unwrap(),
            name: "Shop",
            platform: None,
            public_key: PublicKey::from_bytes([1; 16]),
        };
        let project = store.create_project(&new, NOW).await.unwrap();
        let queue = Queue::open(&folder.path().join("queue"), Limits::default(), 0).unwrap();
        let processor = Processor::new(store, queue);
        let (_stop, mut stopped) = watch::channel(false);

        let first = processor.first_rules(&mut stopped).await.unwrap();
        let tags = || {
            let book = processor.workshop.book();
            book.find(project.id).map(|rules| !rules.tags.is_empty())
        };
        assert_eq!(tags(), Some(false));
        let version = NewRuleVersion {
            owner: RuleOwner::Project(new.organization_id, project.id),
            topic: RuleTopic::Tags,
            document: r#"{"rules":"has:x -> tag a=b"}"#.to_owned(),
            comment: String::new(),
            author: None,
            based_on: None,
        };
        processor.store.save_rules(&version, NOW).await.unwrap();
        let next = processor.follow_rules(first, &mut stopped).await.unwrap();
        assert_eq!(tags(), Some(true));
        let lost = ProjectId(project.id.0 + 1);
        let met = processor.meet_project(lost, &mut stopped).await.unwrap();
        assert_eq!(met.revision, next.revision);
        assert!(processor.workshop.book().find(lost).is_some());
    }
}
