//! The transaction of a group of writes, as each of them sees it.
//!
//! Made by the store's thread, handed to one write after the other. Must not know which writes there are, nor when they are
//! committed.

use std::path::Path;

use rusqlite::Connection;

use super::error::StoreError;

/// The transaction that a write is part of.
pub(crate) struct Group<'a> {
    /// The database, inside the transaction.
    pub(crate) db: &'a Connection,
    /// Which transaction: a number that is never used again.
    pub(crate) number: u64,
    path: &'a Path,
}

impl<'a> Group<'a> {
    pub(super) fn new(db: &'a Connection, number: u64, path: &'a Path) -> Self {
        Self { db, number, path }
    }

    /// Runs a statement that takes and gives nothing; prepared once.
    pub(super) fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map_err(|error| self.name(&error))?;
        Ok(())
    }

    /// Names what SQLite said.
    pub(crate) fn name(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(self.path, error)
    }

    /// Changes several rows, or none: what `change` has done before it failed is undone.
    pub(crate) fn together<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.run("SAVEPOINT several")?;
        let outcome = change(self);
        // Some failures end the whole transaction by themselves.
        if !self.db.is_autocommit() {
            if outcome.is_err() {
                self.run("ROLLBACK TO several")?;
            }
            self.run("RELEASE several")?;
        }
        outcome
    }
}
