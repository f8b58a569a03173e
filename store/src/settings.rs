//! Settings of the whole instance: a small table of names and values.

use crate::db::{with_reader, with_writer};
use crate::{Store, StoreError};

const GET: &str = "SELECT value FROM setting WHERE name = $1";
const SET: &str = "
    INSERT INTO setting (name, value) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM setting WHERE name = $1";

impl Store {
    /// The value of a setting, if it was ever set.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(with_reader!(&self.db, |pool| sqlx::query_scalar(GET)
            .bind(name)
            .fetch_optional(pool)
            .await)?)
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        with_writer!(&self.db, |pool| sqlx::query(SET)
            .bind(name)
            .bind(value)
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Removes a setting; says whether it was there, so that only one of several callers wins.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn remove_setting(&self, name: &str) -> Result<bool, StoreError> {
        let removed = with_writer!(&self.db, |pool| {
            sqlx::query(DELETE)
                .bind(name)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(removed > 0)
    }
}
