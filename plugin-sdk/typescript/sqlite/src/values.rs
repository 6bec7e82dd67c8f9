//! Values there and back: JavaScript's to SQLite's parameters and results, SQLite's columns and arguments to JavaScript's.
//!
//! The SDK has checked what comes in: null, a number, a bigint of 64 bits, a string or a view of bytes.
#![allow(unsafe_code, reason = "Node-API and SQLite are C")]

use std::ffi::{c_int, c_void};
use std::ptr;

use napi_sys as sys;
use rusqlite::ffi;

use crate::node::{Env, Result, Value};

/// Text up to this long is read in one go. Longer text is measured first.
const SHORT_TEXT: usize = 1024;
/// The most bytes that a character has: so many may be left free at the end of a buffer that was too small.
const CHARACTER: usize = 4;

/// Where a value of JavaScript goes.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// A parameter of a statement, by its number.
    Parameter(*mut ffi::sqlite3_stmt, c_int),
    /// What a user function answers.
    Result(*mut ffi::sqlite3_context),
}

/// What became of a value that was given to SQLite.
pub(crate) struct Given {
    /// Its result code, which a function's result does not have.
    pub(crate) code: c_int,
    /// How many bytes SQLite keeps of it, beyond what it has for any value.
    pub(crate) bytes: usize,
}

/// Gives a value to SQLite, which keeps a copy.
///
/// # Safety
/// `env` is the environment of the call that we are in, and the target is alive.
pub(crate) unsafe fn give(env: Env, value: Value, target: Target) -> Result<Given> {
    let mut kind = 0;
    // SAFETY: as the caller promises; each read is of the type that was just found.
    unsafe {
        env.ok(sys::napi_typeof(env.0, value, &raw mut kind))?;
        match kind {
            sys::ValueType::napi_number => {
                let mut number = 0.0;
                env.ok(sys::napi_get_value_double(env.0, value, &raw mut number))?;
                Ok(Given { code: target.number(number), bytes: 0 })
            }
            sys::ValueType::napi_bigint => {
                let (mut number, mut whole) = (0, false);
                env.ok(sys::napi_get_value_bigint_int64(env.0, value, &raw mut number, &raw mut whole))?;
                Ok(Given { code: target.integer(number), bytes: 0 })
            }
            sys::ValueType::napi_string => give_text(env, value, target),
            sys::ValueType::napi_object => give_bytes(env, value, target),
            _ => Ok(Given { code: target.null(), bytes: 0 }),
        }
    }
}

/// # Safety
/// As [`give`]; the value is a string.
unsafe fn give_text(env: Env, value: Value, target: Target) -> Result<Given> {
    let mut short = [0_u8; SHORT_TEXT];
    let mut length = 0;
    // SAFETY: as the caller promises; both buffers are as long as they are said to be.
    unsafe {
        let at = short.as_mut_ptr().cast();
        env.ok(sys::napi_get_value_string_utf8(env.0, value, at, SHORT_TEXT, &raw mut length))?;
        // One byte of the buffer is for the zero that ends it.
        if length < SHORT_TEXT - CHARACTER {
            return Ok(Given { code: target.text(&short[..length]), bytes: length });
        }
        env.ok(sys::napi_get_value_string_utf8(env.0, value, ptr::null_mut(), 0, &raw mut length))?;
        let mut long = vec![0_u8; length + 1];
        env.ok(sys::napi_get_value_string_utf8(
            env.0,
            value,
            long.as_mut_ptr().cast(),
            length + 1,
            &raw mut length,
        ))?;
        Ok(Given { code: target.text(&long[..length]), bytes: length })
    }
}

/// # Safety
/// As [`give`]; the value is an object.
unsafe fn give_bytes(env: Env, value: Value, target: Target) -> Result<Given> {
    let (mut at, mut length) = (ptr::null_mut::<c_void>(), 0);
    // SAFETY: as the caller promises; the bytes are copied before JavaScript runs again.
    unsafe {
        env.ok(sys::napi_get_buffer_info(env.0, value, &raw mut at, &raw mut length))?;
        let bytes = if length == 0 { &[] } else { std::slice::from_raw_parts(at.cast::<u8>(), length) };
        Ok(Given { code: target.blob(bytes), bytes: length })
    }
}

impl Target {
    fn number(self, number: f64) -> c_int {
        // SAFETY: the target is alive, as whoever made it promised.
        unsafe {
            match self {
                Self::Parameter(statement, n) => ffi::sqlite3_bind_double(statement, n, number),
                Self::Result(context) => {
                    ffi::sqlite3_result_double(context, number);
                    ffi::SQLITE_OK
                }
            }
        }
    }

    fn integer(self, number: i64) -> c_int {
        // SAFETY: the target is alive, as whoever made it promised.
        unsafe {
            match self {
                Self::Parameter(statement, n) => ffi::sqlite3_bind_int64(statement, n, number),
                Self::Result(context) => {
                    ffi::sqlite3_result_int64(context, number);
                    ffi::SQLITE_OK
                }
            }
        }
    }

    fn null(self) -> c_int {
        // SAFETY: the target is alive, as whoever made it promised.
        unsafe {
            match self {
                Self::Parameter(statement, n) => ffi::sqlite3_bind_null(statement, n),
                Self::Result(context) => {
                    ffi::sqlite3_result_null(context);
                    ffi::SQLITE_OK
                }
            }
        }
    }

    fn text(self, text: &[u8]) -> c_int {
        let (at, length, copied, utf8) =
            (text.as_ptr().cast(), text.len() as u64, ffi::SQLITE_TRANSIENT(), ffi::SQLITE_UTF8 as u8);
        // SAFETY: the target is alive, as whoever made it promised; SQLite copies the text.
        unsafe {
            match self {
                Self::Parameter(statement, n) => {
                    ffi::sqlite3_bind_text64(statement, n, at, length, copied, utf8)
                }
                Self::Result(context) => {
                    ffi::sqlite3_result_text64(context, at, length, copied, utf8);
                    ffi::SQLITE_OK
                }
            }
        }
    }

    fn blob(self, bytes: &[u8]) -> c_int {
        let (length, copied) = (bytes.len() as u64, ffi::SQLITE_TRANSIENT());
        // SAFETY: the target is alive, as whoever made it promised; SQLite copies the bytes. An empty slice has an address,
        // without which the value would be NULL.
        unsafe {
            match self {
                Self::Parameter(statement, n) => {
                    ffi::sqlite3_bind_blob64(statement, n, bytes.as_ptr().cast(), length, copied)
                }
                Self::Result(context) => {
                    ffi::sqlite3_result_blob64(context, bytes.as_ptr().cast(), length, copied);
                    ffi::SQLITE_OK
                }
            }
        }
    }
}

/// A column of the row that a statement is at.
///
/// # Safety
/// `env` is the environment of the call that we are in; the statement is at a row that has the column.
pub(crate) unsafe fn column(
    env: Env,
    statement: *mut ffi::sqlite3_stmt,
    n: c_int,
    bigints: bool,
) -> Result<Value> {
    // SAFETY: as the caller promises; text and bytes are read before the statement moves on, the pointer before the length.
    unsafe {
        match ffi::sqlite3_column_type(statement, n) {
            ffi::SQLITE_INTEGER => integer(env, ffi::sqlite3_column_int64(statement, n), bigints),
            ffi::SQLITE_FLOAT => number(env, ffi::sqlite3_column_double(statement, n)),
            ffi::SQLITE_TEXT => {
                let at = ffi::sqlite3_column_text(statement, n);
                text(env, slice(at, ffi::sqlite3_column_bytes(statement, n)))
            }
            ffi::SQLITE_BLOB => {
                let at = ffi::sqlite3_column_blob(statement, n);
                blob(env, slice(at.cast(), ffi::sqlite3_column_bytes(statement, n)))
            }
            _ => null(env),
        }
    }
}

/// An argument of a user function.
///
/// # Safety
/// `env` is the environment of the call that we are in; the value is alive.
pub(crate) unsafe fn argument(env: Env, value: *mut ffi::sqlite3_value, bigints: bool) -> Result<Value> {
    // SAFETY: as for `column`.
    unsafe {
        match ffi::sqlite3_value_type(value) {
            ffi::SQLITE_INTEGER => integer(env, ffi::sqlite3_value_int64(value), bigints),
            ffi::SQLITE_FLOAT => number(env, ffi::sqlite3_value_double(value)),
            ffi::SQLITE_TEXT => {
                let at = ffi::sqlite3_value_text(value);
                text(env, slice(at, ffi::sqlite3_value_bytes(value)))
            }
            ffi::SQLITE_BLOB => {
                let at = ffi::sqlite3_value_blob(value);
                blob(env, slice(at.cast(), ffi::sqlite3_value_bytes(value)))
            }
            _ => null(env),
        }
    }
}

/// A whole number. Beyond 2^53 it is the nearest that there is, which is what `safeIntegers` is for.
pub(crate) fn integer(env: Env, number: i64, bigint: bool) -> Result<Value> {
    let mut value = ptr::null_mut();
    // SAFETY: this is the environment that we are called from.
    env.ok(unsafe {
        if bigint {
            sys::napi_create_bigint_int64(env.0, number, &raw mut value)
        } else if let Ok(short) = i32::try_from(number) {
            sys::napi_create_int32(env.0, short, &raw mut value)
        } else {
            sys::napi_create_double(env.0, number as f64, &raw mut value)
        }
    })?;
    Ok(value)
}

fn number(env: Env, number: f64) -> Result<Value> {
    let mut value = ptr::null_mut();
    // SAFETY: this is the environment that we are called from.
    env.ok(unsafe { sys::napi_create_double(env.0, number, &raw mut value) })?;
    Ok(value)
}

/// The value `null`.
pub(crate) fn null(env: Env) -> Result<Value> {
    let mut value = ptr::null_mut();
    // SAFETY: this is the environment that we are called from.
    env.ok(unsafe { sys::napi_get_null(env.0, &raw mut value) })?;
    Ok(value)
}

/// A text. One of ASCII alone is taken over without a look at each character.
pub(crate) fn text(env: Env, bytes: &[u8]) -> Result<Value> {
    let mut value = ptr::null_mut();
    let (at, length) = (bytes.as_ptr().cast(), bytes.len() as isize);
    // SAFETY: this is the environment that we are called from; the text is as long as it is said to be.
    env.ok(unsafe {
        if bytes.is_ascii() {
            sys::napi_create_string_latin1(env.0, at, length, &raw mut value)
        } else {
            sys::napi_create_string_utf8(env.0, at, length, &raw mut value)
        }
    })?;
    Ok(value)
}

/// A Buffer with a copy of these bytes.
pub(crate) fn blob(env: Env, bytes: &[u8]) -> Result<Value> {
    let mut value = ptr::null_mut();
    let (at, length) = (bytes.as_ptr().cast(), bytes.len());
    // SAFETY: this is the environment that we are called from; the bytes are copied.
    env.ok(unsafe { sys::napi_create_buffer_copy(env.0, length, at, ptr::null_mut(), &raw mut value) })?;
    Ok(value)
}

/// # Safety
/// `at` leads to so many bytes, which live as long as the slice is used; it may be null where there are none.
unsafe fn slice<'a>(at: *const u8, length: c_int) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: as the caller promises.
        Ok(length) if length > 0 && !at.is_null() => unsafe { std::slice::from_raw_parts(at, length) },
        _ => &[],
    }
}
