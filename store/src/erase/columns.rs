//! The columns that hold short texts, and their statements.

/// A column whose texts may say something of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextColumn {
    /// The headline of an issue.
    IssueTitle,
    /// Where it happened.
    IssueCulprit,
    /// What the headline was made of, a JSON object.
    IssueMetadata,
    /// The release it was first seen in.
    IssueFirstRelease,
    /// The release it was last seen in.
    IssueLastRelease,
    /// The values a grouping hash was made of, a JSON list.
    HashValues,
    /// Who wrote feedback.
    FeedbackName,
    /// The address of who wrote it.
    FeedbackEmail,
    /// What was written.
    FeedbackMessage,
    /// The page it was written on.
    FeedbackUrl,
    /// What it was written in.
    FeedbackSource,
    /// Its environment.
    FeedbackEnvironment,
    /// Its release.
    FeedbackRelease,
    /// The name of a file that came with an event.
    AttachmentName,
    /// What was wrong with a rejected request.
    RejectionDetail,
    /// The client that sent it.
    RejectionClient,
    /// The name of an environment.
    EnvironmentName,
    /// The version of a release.
    ReleaseVersion,
    /// The media type of a file that came with an event.
    AttachmentContentType,
    /// What such a file is for.
    AttachmentType,
    /// What a transaction did.
    TransactionOp,
}

/// What a row is found by beside its number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The row's own id.
    Id,
    /// The project and a hash.
    Hash,
    /// The project and the text itself.
    Text,
}

impl TextColumn {
    /// All of them, in the order in which they are walked over.
    pub const ALL: [Self; 21] = [
        Self::IssueTitle,
        Self::IssueCulprit,
        Self::IssueMetadata,
        Self::IssueFirstRelease,
        Self::IssueLastRelease,
        Self::HashValues,
        Self::FeedbackName,
        Self::FeedbackEmail,
        Self::FeedbackMessage,
        Self::FeedbackUrl,
        Self::FeedbackSource,
        Self::FeedbackEnvironment,
        Self::FeedbackRelease,
        Self::AttachmentName,
        Self::RejectionDetail,
        Self::RejectionClient,
        Self::EnvironmentName,
        Self::ReleaseVersion,
        Self::AttachmentContentType,
        Self::AttachmentType,
        Self::TransactionOp,
    ];

    /// Whether the text is JSON.
    #[must_use]
    pub fn is_json(self) -> bool {
        matches!(self, Self::IssueMetadata | Self::HashValues)
    }

    /// Whether the text is one of a project's own words, such as the name of an environment, in which a user name that is a
    /// mere word means nobody.
    #[must_use]
    pub fn is_vocabulary(self) -> bool {
        matches!(
            self,
            Self::IssueFirstRelease
                | Self::IssueLastRelease
                | Self::FeedbackSource
                | Self::FeedbackEnvironment
                | Self::FeedbackRelease
                | Self::RejectionClient
                | Self::EnvironmentName
                | Self::ReleaseVersion
                | Self::AttachmentContentType
                | Self::AttachmentType
                | Self::TransactionOp
        )
    }

    pub(super) fn key(self) -> Key {
        match self {
            Self::HashValues => Key::Hash,
            Self::EnvironmentName | Self::ReleaseVersion => Key::Text,
            _ => Key::Id,
        }
    }

    pub(super) fn has_hash_key(self) -> bool {
        self.key() == Key::Hash
    }

    /// A page: the rows behind `$1`, of the projects that follow.
    pub(super) fn select(self) -> &'static str {
        macro_rules! of {
            ($table:literal, $column:literal) => {
                concat!(
                    "SELECT id, ",
                    $column,
                    " FROM ",
                    $table,
                    " WHERE ",
                    $column,
                    " IS NOT NULL AND id > "
                )
            };
        }
        match self {
            Self::IssueTitle => of!("issue", "title"),
            Self::IssueCulprit => of!("issue", "culprit"),
            Self::IssueMetadata => of!("issue", "metadata"),
            Self::IssueFirstRelease => of!("issue", "first_release"),
            Self::IssueLastRelease => of!("issue", "last_release"),
            Self::HashValues => {
                "SELECT project_id, hash, leaf_values FROM issue_hash WHERE (project_id, hash) > ("
            }
            Self::FeedbackName => of!("feedback", "name"),
            Self::FeedbackEmail => of!("feedback", "email"),
            Self::FeedbackMessage => of!("feedback", "message"),
            Self::FeedbackUrl => of!("feedback", "url"),
            Self::FeedbackSource => of!("feedback", "source"),
            Self::FeedbackEnvironment => of!("feedback", "environment"),
            Self::FeedbackRelease => of!("feedback", "release"),
            Self::AttachmentName => of!("attachment", "name"),
            Self::AttachmentContentType => of!("attachment", "content_type"),
            Self::AttachmentType => of!("attachment", "attachment_type"),
            Self::TransactionOp => of!("transaction_event", "op"),
            Self::RejectionDetail => of!("rejection", "detail"),
            Self::RejectionClient => of!("rejection", "client"),
            Self::EnvironmentName => {
                "SELECT project_id, name FROM environment WHERE (project_id, name) > ("
            }
            Self::ReleaseVersion => {
                "SELECT project_id, version FROM release WHERE (project_id, version) > ("
            }
        }
    }

    /// Sets the text to `$1` if it is `$2` still, in the row `$3`.
    pub(in crate::erase) fn update(self) -> &'static str {
        macro_rules! of {
            ($table:literal, $column:literal) => {
                concat!(
                    "UPDATE ",
                    $table,
                    " SET ",
                    $column,
                    " = $1 WHERE id = $3 AND ",
                    $column,
                    " = $2"
                )
            };
        }
        match self {
            Self::IssueTitle => of!("issue", "title"),
            Self::IssueCulprit => of!("issue", "culprit"),
            Self::IssueMetadata => of!("issue", "metadata"),
            Self::IssueFirstRelease => of!("issue", "first_release"),
            Self::IssueLastRelease => of!("issue", "last_release"),
            Self::HashValues => {
                "UPDATE issue_hash SET leaf_values = $1 WHERE leaf_values = $2 AND project_id = $3 AND hash = $4"
            }
            Self::FeedbackName => of!("feedback", "name"),
            Self::FeedbackEmail => of!("feedback", "email"),
            Self::FeedbackMessage => of!("feedback", "message"),
            Self::FeedbackUrl => of!("feedback", "url"),
            Self::FeedbackSource => of!("feedback", "source"),
            Self::FeedbackEnvironment => of!("feedback", "environment"),
            Self::FeedbackRelease => of!("feedback", "release"),
            Self::AttachmentName => {
                "UPDATE attachment SET name = $1 WHERE id = $3 AND name = $2 AND NOT EXISTS (SELECT 1 FROM attachment o
                    WHERE o.project_id = attachment.project_id AND o.event_id = attachment.event_id
                        AND o.sha256 = attachment.sha256 AND o.name = $1)"
            }
            Self::AttachmentContentType => of!("attachment", "content_type"),
            Self::AttachmentType => of!("attachment", "attachment_type"),
            Self::TransactionOp => of!("transaction_event", "op"),
            Self::RejectionDetail => of!("rejection", "detail"),
            Self::RejectionClient => of!("rejection", "client"),
            Self::EnvironmentName => {
                "UPDATE environment SET name = $1 WHERE name = $2 AND project_id = $3
                    AND NOT EXISTS (SELECT 1 FROM environment o WHERE o.project_id = $3 AND o.name = $1)"
            }
            Self::ReleaseVersion => {
                "UPDATE release SET version = $1 WHERE version = $2 AND project_id = $3
                    AND NOT EXISTS (SELECT 1 FROM release o WHERE o.project_id = $3 AND o.version = $1)"
            }
        }
    }

    /// What is done where another row has the new text already, and may have it only once: the text `$1` goes, of the row
    /// `$2`.
    pub(super) fn remove(self) -> Option<&'static str> {
        match self {
            Self::AttachmentName => Some("DELETE FROM attachment WHERE name = $1 AND id = $2"),
            Self::EnvironmentName => {
                Some("DELETE FROM environment WHERE name = $1 AND project_id = $2")
            }
            Self::ReleaseVersion => {
                Some("DELETE FROM release WHERE version = $1 AND project_id = $2")
            }
            _ => None,
        }
    }
}
