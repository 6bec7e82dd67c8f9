//! A connection: opens a file, compiles statements, runs scripts, closes.
//!
//! Made by the SDK's `database/addon.ts`. Everything happens on the thread of one environment.
#![allow(unsafe_code, reason = "Node-API and SQLite are C")]

use std::ffi::{CStr, c_int, c_uint};
use std::ptr;
use std::rc::Rc;
use std::sync::Once;

use napi_sys as sys;
use rusqlite::ffi;

use crate::compiled::compile;
use crate::failure::{failed, out_of_range, thrown};
use crate::handle::Handle;
use crate::kept::Kept;
use crate::node::{Call, Env, Result, Value};
use crate::statement::Statement;
use crate::values;

/// How many KiB of a database are kept in memory. With SQLite's own 2,000, a transaction of some ten thousand rows is written to
/// disk twice. It is a wish: where somebody has the file locked, it is left out.
const CACHE: &CStr = c"PRAGMA cache_size = -16000";

/// What SQLite is told for `true`.
const ON: c_int = 1;

/// Opens a file, or a database in memory.
pub(crate) fn open(call: &Call<'_>) -> Result<Value> {
    configure();
    let env = call.env;
    let path = call.name(0)?;
    let flags = match (call.flag(1)?, call.flag(2)?) {
        (true, _) => ffi::SQLITE_OPEN_READONLY,
        (false, true) => ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE,
        (false, false) => ffi::SQLITE_OPEN_READWRITE,
    };
    let timeout = call.number(3)?;
    let place = place(env, call.argument(4)?)?;
    let mut db = ptr::null_mut();
    // SAFETY: the path ends with a zero. What is given back is a connection even where it could not be opened, but for want
    // of memory; one thread alone uses it.
    unsafe {
        let code =
            ffi::sqlite3_open_v2(path.as_ptr(), &raw mut db, flags | ffi::SQLITE_OPEN_NOMUTEX, ptr::null());
        if db.is_null() {
            return Err(thrown(env, code, "out of memory"));
        }
        let handle = Rc::new(Handle::new(db, place));
        if code != ffi::SQLITE_OK {
            return Err(failed(env, db));
        }
        ffi::sqlite3_extended_result_codes(db, ON);
        ffi::sqlite3_exec(db, CACHE.as_ptr(), None, ptr::null_mut(), ptr::null_mut());
        ffi::sqlite3_busy_timeout(db, timeout);
        set(db, ffi::SQLITE_DBCONFIG_DEFENSIVE, true);
        // A name in double quotes is a name: as text, a misspelt column would be a value.
        set(db, ffi::SQLITE_DBCONFIG_DQS_DML, false);
        set(db, ffi::SQLITE_DBCONFIG_DQS_DDL, false);
        env.hold(handle)
    }
}

/// The first place of an array of numbers, and what keeps the array.
fn place(env: Env, array: Value) -> Result<(*mut f64, Kept)> {
    let (mut kind, mut length, mut at) = (0, 0, ptr::null_mut());
    // SAFETY: this is the environment that we are called from. The bytes of an array stay where they are.
    unsafe {
        let nowhere = ptr::null_mut();
        let status = sys::napi_get_typedarray_info(
            env.0,
            array,
            &raw mut kind,
            &raw mut length,
            &raw mut at,
            nowhere,
            nowhere.cast(),
        );
        env.ok(status)?;
        if kind != sys::TypedarrayType::float64_array || length == 0 {
            env.ok(sys::Status::napi_invalid_arg)?;
        }
        Ok((at.cast(), Kept::new(env, array)?))
    }
}

/// Closes it, and every statement of it.
pub(crate) fn close(call: &Call<'_>) -> Result<Value> {
    let handle = call.held::<Rc<Handle>>(0)?;
    let work = handle.work(call.env)?;
    handle.close();
    drop(work);
    call.env.undefined()
}

/// Compiles the one statement of a text.
pub(crate) fn prepare(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let handle = call.held::<Rc<Handle>>(0)?;
    let (source, work) = (call.text(1)?, handle.work(env)?);
    let (db, mut rest) = (work.db, source.as_slice());
    // SAFETY: the connection is open; each statement is finalized or given away.
    unsafe {
        let statement =
            compile(db, &mut rest, ffi::SQLITE_PREPARE_PERSISTENT).map_err(|()| failed(env, db))?;
        if statement.is_null() {
            return Err(out_of_range(env, c"The supplied SQL string contains no statements"));
        }
        let read = &source[..source.len() - rest.len()];
        let statement = Statement::new(Rc::clone(handle), handle.compiled.new_statement(statement, read));
        // What follows may be a comment; anything that compiles, or fails to, is a statement.
        while !rest.is_empty() {
            let further = compile(db, &mut rest, 0);
            if further.is_ok_and(|further| further.is_null()) {
                continue;
            }
            ffi::sqlite3_finalize(further.unwrap_or(ptr::null_mut()));
            return Err(out_of_range(env, c"The supplied SQL string contains more than one statement"));
        }
        env.hold(statement)
    }
}

/// Runs every statement of a text.
pub(crate) fn exec(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let (handle, source) = (call.held::<Rc<Handle>>(0)?, call.text(1)?);
    let work = handle.work(env)?;
    let (db, mut rest) = (work.db, after_nothing(&source));
    // SAFETY: the connection is open, and stays so: nobody closes it while SQLite is at work.
    unsafe {
        while !rest.is_empty() {
            let statement = compile(db, &mut rest, 0).map_err(|()| failed(env, db))?;
            rest = after_nothing(rest);
            if statement.is_null() {
                continue;
            }
            if let Err(thrown) = handle.tell(env, statement) {
                ffi::sqlite3_finalize(statement);
                return Err(thrown);
            }
            while ffi::sqlite3_step(statement) == ffi::SQLITE_ROW {}
            if ffi::sqlite3_finalize(statement) != ffi::SQLITE_OK {
                return Err(failed(env, db));
            }
        }
    }
    env.undefined()
}

/// A script without the blanks and semicolons that it begins with: whoever is told of its statements is not told of those.
fn after_nothing(script: &[u8]) -> &[u8] {
    let begins = script.iter().position(|byte| !matches!(byte, b' ' | b';' | b'\t'..=b'\r'));
    &script[begins.unwrap_or(script.len())..]
}

/// Whether a transaction is open.
pub(crate) fn in_transaction(call: &Call<'_>) -> Result<Value> {
    let db = call.held::<Rc<Handle>>(0)?.open(call.env)?;
    // SAFETY: the connection is open.
    call.env.boolean(unsafe { ffi::sqlite3_get_autocommit(db) } == 0)
}

/// Whether SQLite guards its own tables from SQL.
pub(crate) fn defend(call: &Call<'_>) -> Result<Value> {
    let work = call.held::<Rc<Handle>>(0)?.work(call.env)?;
    // SAFETY: the connection is open.
    unsafe { set(work.db, ffi::SQLITE_DBCONFIG_DEFENSIVE, call.flag(1)?) };
    call.env.undefined()
}

/// The bytes of a database, as a file would hold them.
pub(crate) fn serialize(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let (name, work) = (call.name(1)?, call.held::<Rc<Handle>>(0)?.work(env)?);
    let mut size = 0;
    // SAFETY: the connection is open; what SQLite gives is ours to free, and as large as it says.
    unsafe {
        let bytes = ffi::sqlite3_serialize(work.db, name.as_ptr(), &raw mut size, 0);
        let buffer = match usize::try_from(size) {
            Ok(size) if !bytes.is_null() => values::blob(env, std::slice::from_raw_parts(bytes, size)),
            Ok(0) => values::blob(env, &[]),
            Ok(_) => Err(thrown(env, ffi::SQLITE_NOMEM, "out of memory")),
            Err(_) => {
                Err(thrown(env, ffi::SQLITE_ERROR, &format!("unknown database {}", name.to_string_lossy())))
            }
        };
        ffi::sqlite3_free(bytes.cast());
        buffer
    }
}

/// Makes a database in memory one of these bytes, for reading alone where the connection is.
pub(crate) fn deserialize(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let readonly = if call.flag(2)? { ffi::SQLITE_DESERIALIZE_READONLY } else { 0 } as c_uint;
    let work = call.held::<Rc<Handle>>(0)?.work(env)?;
    let (mut at, mut size) = (ptr::null_mut(), 0);
    let keep = ffi::SQLITE_DESERIALIZE_FREEONCLOSE | ffi::SQLITE_DESERIALIZE_RESIZEABLE | readonly;
    // SAFETY: the connection is open; the copy is SQLite's from the call on, which frees it also where it fails.
    unsafe {
        env.ok(sys::napi_get_buffer_info(env.0, call.argument(1)?, &raw mut at, &raw mut size))?;
        let copy = ffi::sqlite3_malloc64(size as u64).cast::<u8>();
        if copy.is_null() && size > 0 {
            return Err(thrown(env, ffi::SQLITE_NOMEM, "out of memory"));
        }
        if size > 0 {
            ptr::copy_nonoverlapping(at.cast::<u8>(), copy, size);
        }
        let size = size as i64;
        match ffi::sqlite3_deserialize(work.db, c"main".as_ptr(), copy, size, size, keep) {
            ffi::SQLITE_OK => env.undefined(),
            code => Err(thrown(env, code, "unable to deserialize database")),
        }
    }
}

/// Once a process: a path that looks like an address is a path.
fn configure() {
    static ONCE: Once = Once::new();
    // SAFETY: nothing of this SQLite has been used yet.
    ONCE.call_once(|| unsafe {
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_URI, 0);
    });
}

/// Switches something on or off.
///
/// # Safety
/// The connection is open.
unsafe fn set(db: *mut ffi::sqlite3, option: c_int, on: bool) {
    // SAFETY: as the caller promises.
    unsafe { ffi::sqlite3_db_config(db, option, c_int::from(on), ptr::null_mut::<c_int>()) };
}
