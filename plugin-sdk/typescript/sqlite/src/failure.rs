//! What is thrown. Used by every module here; the SDK makes a `SqliteError` of whatever has an `errcode`.
#![allow(unsafe_code, reason = "Node-API and SQLite are C")]

use std::ffi::{CStr, c_int};
use std::ptr;

use napi_sys as sys;
use rusqlite::ffi;

use crate::node::{Env, Result, Thrown};

/// Throws what a connection says of its last failure.
///
/// # Safety
/// `db` is an open connection.
pub(crate) unsafe fn failed(env: Env, db: *mut ffi::sqlite3) -> Thrown {
    // SAFETY: the message is SQLite's own and is copied before anything else is asked of the connection.
    let (message, code) = unsafe {
        let message = CStr::from_ptr(ffi::sqlite3_errmsg(db)).to_string_lossy().into_owned();
        (message, ffi::sqlite3_extended_errcode(db))
    };
    thrown(env, code, &message)
}

/// Throws an error of SQLite.
pub(crate) fn thrown(env: Env, code: c_int, message: &str) -> Thrown {
    // What else could fail here has thrown by itself.
    let _ = throw(env, code, message);
    Thrown
}

fn throw(env: Env, code: c_int, message: &str) -> Result<()> {
    let raw = env.0;
    let (mut text, mut error, mut number) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: this is the environment that we are called from; the text is as long as it is said to be.
    unsafe {
        let (at, length) = (message.as_ptr().cast(), message.len() as isize);
        env.ok(sys::napi_create_string_utf8(raw, at, length, &raw mut text))?;
        env.ok(sys::napi_create_error(raw, ptr::null_mut(), text, &raw mut error))?;
        env.ok(sys::napi_create_int32(raw, code, &raw mut number))?;
        env.ok(sys::napi_set_named_property(raw, error, c"errcode".as_ptr(), number))?;
        env.ok(sys::napi_throw(raw, error))
    }
}

/// Throws a `RangeError`.
pub(crate) fn out_of_range(env: Env, message: &CStr) -> Thrown {
    // SAFETY: this is the environment that we are called from.
    unsafe { sys::napi_throw_range_error(env.0, ptr::null(), message.as_ptr()) };
    Thrown
}

/// Throws where the connection is closed.
pub(crate) fn closed(env: Env) -> Thrown {
    mistaken(env, c"The database connection is not open")
}

/// Throws where SQLite is at work on the connection already.
pub(crate) fn busy(env: Env) -> Thrown {
    mistaken(env, c"This database connection is busy executing a query")
}

/// Throws where a statement's rows are read one by one.
pub(crate) fn being_read(env: Env) -> Thrown {
    mistaken(env, c"This statement is busy executing a query")
}

fn mistaken(env: Env, message: &CStr) -> Thrown {
    // SAFETY: this is the environment that we are called from.
    unsafe { sys::napi_throw_type_error(env.0, ptr::null(), message.as_ptr()) };
    Thrown
}
