//! The one error of the store's border.

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something of that name exists already: the caller can choose another.
    #[error("{what} exists already")]
    Exists {
        /// What exists, such as `project 'shop'`.
        what: String,
    },
    /// What was asked for is not there.
    #[error("{what} not found")]
    NotFound {
        /// What is missing, such as `user 'ada@example.com'`.
        what: String,
    },
    /// The database cannot be reached, is full, or refused a statement.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A migration failed, or the database is newer than this binary.
    #[error("could not migrate the database")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A file of the data folder cannot be read or written.
    #[error("could not access {path}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The database address is not one.
    #[error("invalid database URL: {0}")]
    Url(&'static str),
    /// A stored value cannot be read: the database was changed by hand or is damaged.
    #[error("damaged data: {0}")]
    Damaged(&'static str),
}

impl StoreError {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Database(_) | Self::Io { .. })
    }

    pub(crate) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.display().to_string(),
            source,
        }
    }

    /// Turns a violated unique constraint into [`StoreError::Exists`].
    pub(crate) fn exists_if_unique(error: sqlx::Error, what: impl FnOnce() -> String) -> Self {
        match &error {
            sqlx::Error::Database(e) if e.is_unique_violation() => Self::Exists { what: what() },
            _ => Self::Database(error),
        }
    }
}
