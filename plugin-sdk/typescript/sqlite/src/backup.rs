//! A copy of a database to a file, some pages at a time, so that the plugin goes on between them.
//!
//! The SDK steps it from the event loop, and waits for locks there.
#![allow(unsafe_code, reason = "SQLite is C")]

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::ptr;
use std::rc::Rc;

use rusqlite::ffi;

use crate::failure::{failed, thrown};
use crate::handle::Handle;
use crate::node::{Call, Result, Value};
use crate::values;

/// Of a result code, the part that says what kind it is.
const KIND: c_int = 0xff;

/// A copy on its way, or where one was.
struct Backup {
    source: Rc<Handle>,
    target: Cell<*mut ffi::sqlite3>,
    backup: Cell<*mut ffi::sqlite3_backup>,
}

impl Backup {
    /// Ends it, whole or not, and closes the file.
    fn finish(&self) {
        self.source.finish(self.backup.replace(ptr::null_mut()));
        // SAFETY: nothing uses the target any more; null is not a connection.
        unsafe { ffi::sqlite3_close(self.target.replace(ptr::null_mut())) };
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Begins to copy a database to a file.
pub(crate) fn begin(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let source = Rc::clone(call.held::<Rc<Handle>>(0)?);
    let (name, path) = (call.name(1)?, call.name(2)?);
    let work = source.work(env)?;
    let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_NOMUTEX;
    let mut target = ptr::null_mut();
    // SAFETY: the source is open; the target is ours, and closed when this is finished or dropped.
    unsafe {
        let code = ffi::sqlite3_open_v2(path.as_ptr(), &raw mut target, flags, ptr::null());
        if target.is_null() {
            return Err(thrown(env, code, "out of memory"));
        }
        let copy = Backup {
            source: Rc::clone(&source),
            target: Cell::new(target),
            backup: Cell::new(ptr::null_mut()),
        };
        if code == ffi::SQLITE_OK {
            ffi::sqlite3_extended_result_codes(target, 1);
            let main = c"main".as_ptr();
            copy.backup.set(ffi::sqlite3_backup_init(target, main, work.db, name.as_ptr()));
        }
        if copy.backup.get().is_null() {
            return Err(failed(env, target));
        }
        source.copying(copy.backup.get());
        env.hold(copy)
    }
}

/// Copies so many pages; a negative number is all. Gives SQLite's result code where it is done, goes on or has to wait for a lock;
/// how many pages there are and how many are left; and how many milliseconds the connection waits for a lock.
pub(crate) fn copy(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let copy = call.held::<Backup>(0)?;
    let pages = call.number(1)?;
    let work = copy.source.work(env)?;
    let backup = copy.backup.get();
    if !copy.source.copies(backup) {
        return Err(thrown(env, ffi::SQLITE_ABORT, "the backup was finished before"));
    }
    // SAFETY: it has not been finished yet, and its connections are open.
    let told = unsafe {
        // The SDK waits, from the event loop: here it would hold the thread.
        let waits = busy_timeout(work.db);
        ffi::sqlite3_busy_timeout(work.db, 0);
        let code = ffi::sqlite3_backup_step(backup, pages);
        ffi::sqlite3_busy_timeout(work.db, waits);
        match code & KIND {
            ffi::SQLITE_OK | ffi::SQLITE_DONE | ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {}
            _ => {
                let message = CStr::from_ptr(ffi::sqlite3_errstr(code)).to_string_lossy();
                return Err(thrown(env, code, &message));
            }
        }
        [code, ffi::sqlite3_backup_pagecount(backup), ffi::sqlite3_backup_remaining(backup), waits]
    };
    let list = env.array()?;
    for (n, number) in (0..).zip(told) {
        env.put(list, n, values::integer(env, number.into(), false)?)?;
    }
    Ok(list)
}

/// Ends it, whole or not.
pub(crate) fn finish(call: &Call<'_>) -> Result<Value> {
    let copy = call.held::<Backup>(0)?;
    let _work = if copy.source.is_open() { Some(copy.source.work(call.env)?) } else { None };
    copy.finish();
    call.env.undefined()
}

/// How long a connection waits for a lock, in milliseconds: SQLite tells by a pragma alone.
///
/// # Safety
/// The connection is open.
unsafe fn busy_timeout(db: *mut ffi::sqlite3) -> c_int {
    let mut statement = ptr::null_mut();
    // SAFETY: as the caller promises; the statement is finalized, and null is not one.
    unsafe {
        let sql = c"PRAGMA busy_timeout".as_ptr();
        ffi::sqlite3_prepare_v2(db, sql, -1, &raw mut statement, ptr::null_mut());
        let told = ffi::sqlite3_step(statement) == ffi::SQLITE_ROW;
        let waits = if told { ffi::sqlite3_column_int(statement, 0) } else { 0 };
        ffi::sqlite3_finalize(statement);
        waits
    }
}
