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
    /// What was to be stored makes no sense; the text says what and why.
    #[error("{0}")]
    Invalid(String),
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
        matches!(self, Self::Database(_) | Self::Io { .. }) && !self.is_refusal()
    }

    /// Whether the database said no to the values themselves, so that trying again is useless.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Database(sqlx::Error::Encode(_) | sqlx::Error::ColumnDecode { .. }) => true,
            Self::Database(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap_or_default();
                match error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
                    // Data exceptions and violated constraints; not what a lock, a full disk or a shutdown says.
                    Some(_) => code.starts_with("22") || code.starts_with("23"),
                    // The low byte is the primary code: TOOBIG, CONSTRAINT, MISMATCH.
                    None => code
                        .parse::<u32>()
                        .is_ok_and(|code| matches!(code & 0xff, 18..=20)),
                }
            }
            _ => false,
        }
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
