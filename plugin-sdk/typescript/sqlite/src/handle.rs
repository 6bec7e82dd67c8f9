//! An open connection, as everything here shares it: whether it is open, whether SQLite is at work on it, and what ends with it.
//!
//! Statements and copies hold the same [`Handle`], so that a connection that was closed is closed for them as well. Whatever has
//! SQLite work goes through [`Handle::work`]: JavaScript that SQLite calls meanwhile cannot step, reset or close what SQLite is in the
//! middle of, whatever the SDK lets through.
#![allow(unsafe_code, reason = "SQLite is C")]

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::ptr;

use rusqlite::ffi;

use crate::compiled;
use crate::failure::{busy, closed};
use crate::kept::Kept;
use crate::node::{Env, Result};
use crate::values;

/// An open connection, or where one was.
pub(crate) struct Handle {
    db: Cell<*mut ffi::sqlite3>,
    /// Whether SQLite is at work on it.
    working: Cell<bool>,
    /// Its compiled statements.
    pub(crate) compiled: compiled::Kept,
    /// Copies that read from it: SQLite ends a connection only after them.
    copies: RefCell<Vec<*mut ffi::sqlite3_backup>>,
    /// Who is told of every statement before it runs.
    pub(crate) tracer: RefCell<Option<Kept>>,
    /// Where `run` leaves how many rows it has changed: a place in an array of JavaScript, kept from the collector. An answer
    /// of two numbers would cost more than many a statement.
    changes: *mut f64,
    _changes: Kept,
}

/// SQLite is at work on a connection until this is dropped.
pub(crate) struct Work<'a> {
    handle: &'a Handle,
    /// The connection.
    pub(crate) db: *mut ffi::sqlite3,
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.handle.working.set(false);
    }
}

impl Handle {
    /// A connection that was just opened, and the place for how many rows a statement has changed.
    pub(crate) fn new(db: *mut ffi::sqlite3, (changes, kept): (*mut f64, Kept)) -> Self {
        Self {
            db: Cell::new(db),
            working: Cell::new(false),
            compiled: compiled::Kept::default(),
            copies: RefCell::default(),
            tracer: RefCell::default(),
            changes,
            _changes: kept,
        }
    }

    /// The connection, for a look that changes nothing.
    pub(crate) fn open(&self, env: Env) -> Result<*mut ffi::sqlite3> {
        let db = self.db.get();
        if db.is_null() { Err(closed(env)) } else { Ok(db) }
    }

    /// Has SQLite work on the connection. Refused where it does already: then a function that it called has called us.
    pub(crate) fn work(&self, env: Env) -> Result<Work<'_>> {
        let db = self.open(env)?;
        if self.working.replace(true) {
            return Err(busy(env));
        }
        Ok(Work { handle: self, db })
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self) -> bool {
        !self.db.get().is_null()
    }

    /// Says how many rows a statement has changed.
    pub(crate) fn changed(&self, rows: i64) {
        // SAFETY: the array has a place, and is kept for as long as this.
        unsafe { *self.changes = rows as f64 };
    }

    /// Tells whoever wants to know that a statement is about to run, its parameters filled in. It does not run where they throw.
    ///
    /// # Safety
    /// The statement is alive.
    pub(crate) unsafe fn tell(&self, env: Env, statement: *mut ffi::sqlite3_stmt) -> Result<()> {
        let tracer = self.tracer.borrow();
        let Some(tracer) = &*tracer else { return Ok(()) };
        // SAFETY: as the caller promises; what SQLite expands is ours to free.
        unsafe {
            let expanded = ffi::sqlite3_expanded_sql(statement);
            let sql = if expanded.is_null() { ffi::sqlite3_sql(statement) } else { expanded };
            let text = CStr::from_ptr(sql).to_bytes();
            let told = env.scoped(|| tracer.call(&[values::text(env, text)?]).map(drop));
            ffi::sqlite3_free(expanded.cast());
            told
        }
    }

    /// Remembers a copy until it is finished.
    pub(crate) fn copying(&self, backup: *mut ffi::sqlite3_backup) {
        self.copies.borrow_mut().push(backup);
    }

    /// Whether a copy goes on: nobody has finished it.
    pub(crate) fn copies(&self, backup: *mut ffi::sqlite3_backup) -> bool {
        self.copies.borrow().contains(&backup)
    }

    /// Finishes a copy, once.
    pub(crate) fn finish(&self, backup: *mut ffi::sqlite3_backup) {
        let mut copies = self.copies.borrow_mut();
        if let Some(at) = copies.iter().position(|copy| *copy == backup) {
            copies.swap_remove(at);
            // SAFETY: it was in the list, so nobody has finished it.
            unsafe { ffi::sqlite3_backup_finish(backup) };
        }
    }

    /// Closes it, where it is open.
    pub(crate) fn close(&self) {
        let db = self.db.replace(ptr::null_mut());
        if db.is_null() {
            return;
        }
        // SAFETY: it was open until now. Whatever holds a statement or a copy of it asks first, and is refused from now on.
        unsafe {
            for backup in self.copies.take() {
                ffi::sqlite3_backup_finish(backup);
            }
            self.compiled.give_up();
            ffi::sqlite3_close(db);
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}
