//! What a statement tells of itself without being run. Rows are made, and their columns asked for, while SQLite is at work, so
//! a look is allowed then: it changes nothing.
#![allow(unsafe_code, reason = "SQLite is C")]

use std::ffi::{CStr, c_char};

use rusqlite::ffi;

use crate::failure::failed;
use crate::node::{Call, Env, Result, Value};
use crate::statement::Statement;
use crate::values;

/// The compiled statement of a call. One that has to be compiled first waits until SQLite is at rest.
fn looked_at(call: &Call<'_>) -> Result<*mut ffi::sqlite3_stmt> {
    let (env, of) = (call.env, call.held::<Statement>(0)?);
    let db = of.handle.open(env)?;
    let _work = if of.compiled.is_there() { None } else { Some(of.handle.work(env)?) };
    // SAFETY: the connection is open, and the statement's.
    unsafe { of.compiled.get(db, &of.handle.compiled).map_err(|()| failed(env, db)) }
}

/// Whether it returns rows.
pub(crate) fn reader(call: &Call<'_>) -> Result<Value> {
    // SAFETY: the connection is open, so the statement is alive; so below.
    call.env.boolean(unsafe { ffi::sqlite3_column_count(looked_at(call)?) } != 0)
}

/// What SQLite calls read-only.
pub(crate) fn readonly(call: &Call<'_>) -> Result<Value> {
    // SAFETY: see `reader`.
    call.env.boolean(unsafe { ffi::sqlite3_stmt_readonly(looked_at(call)?) } != 0)
}

/// The parameters by their number: with its sigil, or null where it has no name.
pub(crate) fn parameters(call: &Call<'_>) -> Result<Value> {
    let (env, statement) = (call.env, looked_at(call)?);
    let names = env.array()?;
    // SAFETY: see `reader`.
    unsafe {
        for n in 0..ffi::sqlite3_bind_parameter_count(statement) {
            env.put(names, n as u32, name(env, ffi::sqlite3_bind_parameter_name(statement, n + 1))?)?;
        }
    }
    Ok(names)
}

/// The columns of its rows, each a list: its name, and the column, table, database and type that it comes from, or null.
pub(crate) fn columns(call: &Call<'_>) -> Result<Value> {
    let (env, statement) = (call.env, looked_at(call)?);
    let columns = env.array()?;
    // SAFETY: see `reader`; each name is taken before the next is asked for.
    unsafe {
        for n in 0..ffi::sqlite3_column_count(statement) {
            let column = env.array()?;
            env.put(column, 0, name(env, ffi::sqlite3_column_name(statement, n))?)?;
            env.put(column, 1, name(env, ffi::sqlite3_column_origin_name(statement, n))?)?;
            env.put(column, 2, name(env, ffi::sqlite3_column_table_name(statement, n))?)?;
            env.put(column, 3, name(env, ffi::sqlite3_column_database_name(statement, n))?)?;
            env.put(column, 4, name(env, ffi::sqlite3_column_decltype(statement, n))?)?;
            env.put(columns, n as u32, column)?;
        }
    }
    Ok(columns)
}

/// A name that SQLite gives until it is asked for the next one, or null.
///
/// # Safety
/// It ends with a zero, or is null.
unsafe fn name(env: Env, name: *const c_char) -> Result<Value> {
    if name.is_null() {
        return values::null(env);
    }
    // SAFETY: as the caller promises.
    values::text(env, unsafe { CStr::from_ptr(name) }.to_bytes())
}
