//! A copy of a database to a file, some pages at a time, so that the plugin goes on between them.
//!
//! The SDK steps it from the event loop.
#![allow(unsafe_code, reason = "SQLite is C")]

use std::ffi::CStr;
use std::ptr;
use std::rc::Rc;

use rusqlite::ffi;

use crate::connection::Handle;
use crate::failure::{failed, thrown};
use crate::node::{Call, Result, Value};
use crate::values;

/// A copy on its way.
struct Backup {
    source: Rc<Handle>,
    target: *mut ffi::sqlite3,
    backup: *mut ffi::sqlite3_backup,
}

impl Drop for Backup {
    fn drop(&mut self) {
        self.source.finish(self.backup);
        // SAFETY: nothing uses the target any more.
        unsafe { ffi::sqlite3_close(self.target) };
    }
}

/// Begins to copy a database to a file.
pub(crate) fn begin(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let source = Rc::clone(call.held::<Rc<Handle>>(0)?);
    let (from, name, path) = (source.get(env)?, call.name(1)?, call.name(2)?);
    let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_NOMUTEX;
    let mut target = ptr::null_mut();
    // SAFETY: the source is open; the target is ours, and closed when this is dropped.
    unsafe {
        let code = ffi::sqlite3_open_v2(path.as_ptr(), &raw mut target, flags, ptr::null());
        if target.is_null() {
            return Err(thrown(env, code, "out of memory"));
        }
        let mut copy = Backup { source, target, backup: ptr::null_mut() };
        if code == ffi::SQLITE_OK {
            ffi::sqlite3_extended_result_codes(target, 1);
            copy.backup = ffi::sqlite3_backup_init(target, c"main".as_ptr(), from, name.as_ptr());
        }
        if copy.backup.is_null() {
            return Err(failed(env, target));
        }
        copy.source.copying(copy.backup);
        env.hold(copy)
    }
}

/// Copies so many pages; a negative number is all. Gives how many there are, and how many are left.
pub(crate) fn copy(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let copy = call.held::<Backup>(0)?;
    if !copy.source.copies(copy.backup) {
        return Err(thrown(env, ffi::SQLITE_ABORT, "The database connection was closed while it was copied"));
    }
    // SAFETY: it has not been finished yet.
    let (total, remaining) = unsafe {
        match ffi::sqlite3_backup_step(copy.backup, call.number(1)?) {
            // Another connection has a lock: the next step tries again.
            ffi::SQLITE_OK | ffi::SQLITE_DONE | ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {}
            code => {
                let message = CStr::from_ptr(ffi::sqlite3_errstr(code)).to_string_lossy();
                return Err(thrown(env, code, &message));
            }
        }
        (ffi::sqlite3_backup_pagecount(copy.backup), ffi::sqlite3_backup_remaining(copy.backup))
    };
    let pages = env.array()?;
    env.put(pages, 0, values::integer(env, total.into(), false)?)?;
    env.put(pages, 1, values::integer(env, remaining.into(), false)?)?;
    Ok(pages)
}

/// Ends it, whole or not.
pub(crate) fn finish(call: &Call<'_>) -> Result<Value> {
    let copy = call.held::<Backup>(0)?;
    copy.source.finish(copy.backup);
    call.env.undefined()
}
