//! Statements in their compiled form: how one is compiled, and how many of a connection are kept.
//!
//! Node lets go of what nobody can reach only between two turns of the event loop, so that a loop which prepares a statement for
//! each row would hold them all. The oldest that do not run are therefore given up, and compiled again should they be used.
#![allow(unsafe_code, reason = "SQLite is C")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::c_int;
use std::ptr;
use std::rc::{Rc, Weak};

use rusqlite::ffi;

/// How many compiled statements of a connection are kept; each takes a few KiB.
const KEPT_MAX: usize = 250;

/// A statement's text, and its compiled form as long as that is kept.
pub(crate) struct Compiled {
    statement: Cell<*mut ffi::sqlite3_stmt>,
    source: Box<[u8]>,
    /// Whether it was compiled again since somebody looked: the columns may be others then.
    again: Cell<bool>,
    /// Whether somebody reads its rows one by one: its values are bound, also before the first row.
    pub(crate) reading: Cell<bool>,
}

impl Compiled {
    /// The compiled form.
    ///
    /// # Safety
    /// `db` is the open connection of the statement, and `kept` what it keeps.
    pub(crate) unsafe fn get(
        self: &Rc<Self>,
        db: *mut ffi::sqlite3,
        kept: &Kept,
    ) -> Result<*mut ffi::sqlite3_stmt, ()> {
        if self.statement.get().is_null() {
            // SAFETY: as the caller promises.
            self.statement.set(unsafe { compile(db, &mut &*self.source, ffi::SQLITE_PREPARE_PERSISTENT)? });
            self.again.set(true);
            kept.keep(self);
        }
        Ok(self.statement.get())
    }

    /// Whether the compiled form is there.
    pub(crate) fn is_there(&self) -> bool {
        !self.statement.get().is_null()
    }

    /// Whether it was compiled again since this was asked last.
    pub(crate) fn is_another(&self) -> bool {
        self.again.replace(false)
    }

    /// Lets the compiled form go.
    ///
    /// # Safety
    /// The connection is open.
    pub(crate) unsafe fn give_up(&self) {
        // SAFETY: as the caller promises; null is not a statement.
        unsafe { ffi::sqlite3_finalize(self.statement.replace(ptr::null_mut())) };
    }
}

/// The compiled statements of a connection, the oldest first.
#[derive(Default)]
pub(crate) struct Kept(RefCell<VecDeque<Weak<Compiled>>>);

impl Kept {
    /// Keeps a statement that was just compiled, with the first text of its source.
    pub(crate) fn new_statement(&self, statement: *mut ffi::sqlite3_stmt, source: &[u8]) -> Rc<Compiled> {
        let source = source.into();
        let compiled = Rc::new(Compiled {
            statement: Cell::new(statement),
            source,
            again: Cell::new(false),
            reading: Cell::new(false),
        });
        self.keep(&compiled);
        compiled
    }

    fn keep(&self, compiled: &Rc<Compiled>) {
        let mut kept = self.0.borrow_mut();
        kept.push_back(Rc::downgrade(compiled));
        // Each is looked at once: all may be running.
        for _ in 0..kept.len() {
            if kept.len() <= KEPT_MAX {
                break;
            }
            let Some(oldest) = kept.pop_front().and_then(|oldest| oldest.upgrade()) else { continue };
            // SAFETY: what is kept is of an open connection.
            unsafe {
                if oldest.reading.get() || ffi::sqlite3_stmt_busy(oldest.statement.get()) != 0 {
                    kept.push_back(Rc::downgrade(&oldest));
                } else {
                    oldest.give_up();
                }
            }
        }
    }

    /// Lets all go, before the connection is closed.
    ///
    /// # Safety
    /// The connection is open.
    pub(crate) unsafe fn give_up(&self) {
        for compiled in self.0.take().iter().filter_map(Weak::upgrade) {
            // SAFETY: as the caller promises.
            unsafe { compiled.give_up() };
        }
    }
}

/// Compiles the next statement of a text, null where it holds none, and moves to what is behind it.
///
/// # Safety
/// The connection is open; the statement is the caller's to finalize.
pub(crate) unsafe fn compile(
    db: *mut ffi::sqlite3,
    rest: &mut &[u8],
    flags: u32,
) -> Result<*mut ffi::sqlite3_stmt, ()> {
    let text = *rest;
    let length = c_int::try_from(text.len()).unwrap_or(c_int::MAX);
    let (mut statement, mut tail) = (ptr::null_mut(), ptr::null());
    // SAFETY: as the caller promises; the text is as long as it is said to be, and the tail is inside it or at its end.
    unsafe {
        let code = ffi::sqlite3_prepare_v3(
            db,
            text.as_ptr().cast(),
            length,
            flags,
            &raw mut statement,
            &raw mut tail,
        );
        if code != ffi::SQLITE_OK {
            return Err(());
        }
        let read = tail.cast::<u8>().offset_from(text.as_ptr());
        *rest = &text[usize::try_from(read).unwrap_or(text.len())..];
    }
    // A text of comments alone is read as a whole.
    if statement.is_null() && rest.len() == text.len() {
        *rest = &[];
    }
    Ok(statement)
}
