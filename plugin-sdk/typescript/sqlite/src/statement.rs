//! A compiled statement: bound and run, its rows made into whatever the SDK makes of them.
//!
//! A row is made by a function of JavaScript that takes the columns' values: it makes objects of one shape, which costs a
//! fraction of setting their properties one by one from here. Without one, a row is its first column.
#![allow(unsafe_code, reason = "SQLite is C")]

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::rc::Rc;

use rusqlite::ffi;

use crate::connection::Handle;
use crate::failure::failed;
use crate::node::{Call, Env, Result, Value};
use crate::values::{self, Target};

/// Columns of a row that need no memory of their own.
const FEW: usize = 16;

/// A compiled statement.
pub(crate) struct Statement {
    handle: Rc<Handle>,
    statement: *mut ffi::sqlite3_stmt,
    /// How often SQLite had compiled it anew when rows were last made: the columns may be others since then.
    compiled: Cell<c_int>,
}

impl Drop for Statement {
    fn drop(&mut self) {
        // A connection that is closed has finalized its statements.
        if self.handle.is_open() {
            // SAFETY: the connection is open, so the statement is alive.
            unsafe { ffi::sqlite3_finalize(self.statement) };
        }
    }
}

/// How rows are made: the second and third argument of what reads.
struct Making {
    make: Value,
    /// Gives another `make`, where the columns are no longer the same.
    remake: Value,
    bigints: bool,
}

impl Making {
    fn of(call: &Call<'_>) -> Result<Self> {
        Ok(Self { bigints: call.flag(1)?, make: call.argument(2)?, remake: call.argument(3)? })
    }
}

/// The statement of a call whose connection is open.
fn alive<'a>(call: &'a Call<'_>) -> Result<&'a Statement> {
    let statement = call.held::<Statement>(0)?;
    statement.handle.get(call.env)?;
    Ok(statement)
}

/// Whether it returns rows.
pub(crate) fn reader(call: &Call<'_>) -> Result<Value> {
    let statement = alive(call)?.statement;
    // SAFETY: the connection is open, so the statement is alive; so below.
    call.env.boolean(unsafe { ffi::sqlite3_column_count(statement) } != 0)
}

/// What SQLite calls read-only.
pub(crate) fn readonly(call: &Call<'_>) -> Result<Value> {
    let statement = alive(call)?.statement;
    // SAFETY: see `reader`.
    call.env.boolean(unsafe { ffi::sqlite3_stmt_readonly(statement) } != 0)
}

/// The parameters by their number: with its sigil, or null where it has no name.
pub(crate) fn parameters(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let statement = alive(call)?.statement;
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
    let env = call.env;
    let statement = alive(call)?.statement;
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

/// Runs it to its end, leaves how many rows it has changed, and gives the row id that was last inserted.
pub(crate) fn run(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let statement = call.held::<Statement>(0)?;
    let db = statement.handle.get(env)?;
    // SAFETY: the connection is open, and stays so: the SDK closes none while a statement runs. So below.
    unsafe {
        statement.bind(env, call.rest(2))?;
        let before = ffi::sqlite3_total_changes64(db);
        while ffi::sqlite3_step(statement.statement) == ffi::SQLITE_ROW {}
        if ffi::sqlite3_reset(statement.statement) != ffi::SQLITE_OK {
            return Err(failed(env, db));
        }
        let changed = ffi::sqlite3_total_changes64(db) != before;
        statement.handle.changed(if changed { ffi::sqlite3_changes64(db) } else { 0 });
        values::integer(env, ffi::sqlite3_last_insert_rowid(db), call.flag(1)?)
    }
}

/// Its first row, or undefined.
pub(crate) fn get(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let statement = call.held::<Statement>(0)?;
    let db = statement.handle.get(env)?;
    // SAFETY: see `run`.
    unsafe {
        statement.bind(env, call.rest(4))?;
        let row = statement.next(env, db, &mut Making::of(call)?);
        // A statement that writes may fail here.
        let code = ffi::sqlite3_reset(statement.statement);
        match row? {
            Some(_) if code != ffi::SQLITE_OK => Err(failed(env, db)),
            Some(row) => Ok(row),
            None => env.undefined(),
        }
    }
}

/// All its rows.
pub(crate) fn all(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let statement = call.held::<Statement>(0)?;
    let db = statement.handle.get(env)?;
    // SAFETY: see `run`.
    unsafe {
        statement.bind(env, call.rest(4))?;
        let rows = statement.collect(env, db, Making::of(call)?);
        ffi::sqlite3_reset(statement.statement);
        rows
    }
}

/// Begins to read its rows one by one.
pub(crate) fn begin(call: &Call<'_>) -> Result<Value> {
    let statement = alive(call)?;
    // SAFETY: see `run`.
    unsafe { statement.bind(call.env, call.rest(1))? };
    call.env.undefined()
}

/// The next row, or undefined at the end.
pub(crate) fn step(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let statement = call.held::<Statement>(0)?;
    let db = statement.handle.get(env)?;
    // SAFETY: see `run`.
    match unsafe { statement.next(env, db, &mut Making::of(call)?)? } {
        Some(row) => Ok(row),
        None => env.undefined(),
    }
}

/// Leaves off reading.
pub(crate) fn leave(call: &Call<'_>) -> Result<Value> {
    let statement = call.held::<Statement>(0)?;
    if statement.handle.is_open() {
        // SAFETY: see `run`.
        unsafe { ffi::sqlite3_reset(statement.statement) };
    }
    call.env.undefined()
}

impl Statement {
    pub(crate) fn new(handle: Rc<Handle>, statement: *mut ffi::sqlite3_stmt) -> Self {
        Self { handle, statement, compiled: Cell::new(0) }
    }

    /// Binds the values by their number.
    ///
    /// # Safety
    /// The connection is open.
    unsafe fn bind(&self, env: Env, given: &[Value]) -> Result<()> {
        for (n, value) in (1..).zip(given) {
            // SAFETY: as the caller promises.
            unsafe {
                if values::give(env, *value, Target::Parameter(self.statement, n))? != ffi::SQLITE_OK {
                    return Err(failed(env, self.handle.get(env)?));
                }
            }
        }
        Ok(())
    }

    /// Steps to the next row and makes it.
    ///
    /// # Safety
    /// The connection is open, and the statement bound.
    unsafe fn next(&self, env: Env, db: *mut ffi::sqlite3, making: &mut Making) -> Result<Option<Value>> {
        // SAFETY: as the caller promises.
        unsafe {
            match ffi::sqlite3_step(self.statement) {
                ffi::SQLITE_ROW => {}
                ffi::SQLITE_DONE => return Ok(None),
                _ => return Err(failed(env, db)),
            }
            let compiled = ffi::sqlite3_stmt_status(self.statement, ffi::SQLITE_STMTSTATUS_REPREPARE, 0);
            if self.compiled.replace(compiled) != compiled {
                making.make = env.call(making.remake, &[])?;
            }
            self.row(env, making).map(Some)
        }
    }

    /// # Safety
    /// The statement is at a row.
    unsafe fn row(&self, env: Env, making: &Making) -> Result<Value> {
        // SAFETY: as the caller promises.
        let value = |n| unsafe { values::column(env, self.statement, n, making.bigints) };
        if !env.is_function(making.make)? {
            return value(0);
        }
        // SAFETY: as the caller promises.
        let count = unsafe { ffi::sqlite3_column_count(self.statement) };
        let mut few = [ptr::null_mut(); FEW];
        if let Some(few) = few.get_mut(..count as usize) {
            for (n, place) in (0..).zip(few.iter_mut()) {
                *place = value(n)?;
            }
            return env.call(making.make, few);
        }
        env.call(making.make, &(0..count).map(value).collect::<Result<Vec<_>>>()?)
    }

    /// # Safety
    /// The connection is open, and the statement bound.
    unsafe fn collect(&self, env: Env, db: *mut ffi::sqlite3, mut making: Making) -> Result<Value> {
        let rows = env.array()?;
        // SAFETY: as the caller promises.
        unsafe {
            match self.next(env, db, &mut making)? {
                Some(row) => env.put(rows, 0, row)?,
                None => return Ok(rows),
            }
            // From here on the columns stay the same until it is reset.
            for n in 1.. {
                match ffi::sqlite3_step(self.statement) {
                    ffi::SQLITE_ROW => env.scoped(|| env.put(rows, n, self.row(env, &making)?))?,
                    ffi::SQLITE_DONE => break,
                    _ => return Err(failed(env, db)),
                }
            }
        }
        Ok(rows)
    }
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
