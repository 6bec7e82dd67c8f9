//! A statement: bound and run, its rows made into whatever the SDK makes of them.
//!
//! A row is made by a function of JavaScript that takes the columns' values: it makes objects of one shape, which costs a
//! fraction of setting their properties one by one from here. Without one, a row is its first column.
#![allow(unsafe_code, reason = "SQLite is C")]

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::rc::Rc;

use rusqlite::ffi;

use crate::compiled::Compiled;
use crate::connection::Handle;
use crate::failure::failed;
use crate::node::{Call, Env, Result, Value};
use crate::values::{self, Target};

/// Columns of a row that need no memory of their own.
const FEW: usize = 16;

/// A statement of a connection.
pub(crate) struct Statement {
    handle: Rc<Handle>,
    compiled: Rc<Compiled>,
    /// How often SQLite had compiled it anew when rows were last made: the columns may be others since then.
    recompiled: Cell<c_int>,
}

impl Drop for Statement {
    fn drop(&mut self) {
        // A connection that is closed has let go of its statements.
        if self.handle.is_open() {
            // SAFETY: the connection is open.
            unsafe { self.compiled.give_up() };
        }
    }
}

/// A statement that can be run.
struct Alive<'a> {
    env: Env,
    of: &'a Statement,
    db: *mut ffi::sqlite3,
    at: *mut ffi::sqlite3_stmt,
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

/// The statement of a call, compiled and with its connection open.
fn alive<'a>(call: &'a Call<'_>) -> Result<Alive<'a>> {
    let (env, of) = (call.env, call.held::<Statement>(0)?);
    let db = of.handle.get(env)?;
    // SAFETY: the connection is open, and the statement's.
    let at = unsafe { of.compiled.get(db, &of.handle.compiled).map_err(|()| failed(env, db))? };
    Ok(Alive { env, of, db, at })
}

/// Whether it returns rows.
pub(crate) fn reader(call: &Call<'_>) -> Result<Value> {
    // SAFETY: the connection is open, so the statement is alive; so below.
    call.env.boolean(unsafe { ffi::sqlite3_column_count(alive(call)?.at) } != 0)
}

/// What SQLite calls read-only.
pub(crate) fn readonly(call: &Call<'_>) -> Result<Value> {
    // SAFETY: see `reader`.
    call.env.boolean(unsafe { ffi::sqlite3_stmt_readonly(alive(call)?.at) } != 0)
}

/// The parameters by their number: with its sigil, or null where it has no name.
pub(crate) fn parameters(call: &Call<'_>) -> Result<Value> {
    let (env, statement) = (call.env, alive(call)?.at);
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
    let (env, statement) = (call.env, alive(call)?.at);
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
    let statement = alive(call)?;
    let db = statement.db;
    statement.bind(call.rest(2))?;
    // SAFETY: the connection is open, and stays so: the SDK closes none while a statement runs.
    unsafe {
        let before = ffi::sqlite3_total_changes64(db);
        while ffi::sqlite3_step(statement.at) == ffi::SQLITE_ROW {}
        if ffi::sqlite3_reset(statement.at) != ffi::SQLITE_OK {
            return Err(failed(call.env, db));
        }
        let changed = ffi::sqlite3_total_changes64(db) != before;
        statement.of.handle.changed(if changed { ffi::sqlite3_changes64(db) } else { 0 });
        values::integer(call.env, ffi::sqlite3_last_insert_rowid(db), call.flag(1)?)
    }
}

/// Its first row, or undefined.
pub(crate) fn get(call: &Call<'_>) -> Result<Value> {
    let statement = alive(call)?;
    statement.bind(call.rest(4))?;
    let row = statement.next(&mut Making::of(call)?);
    // A statement that writes may fail here.
    let code = statement.reset();
    match row? {
        // SAFETY: the connection is open.
        Some(_) if code != ffi::SQLITE_OK => Err(unsafe { failed(call.env, statement.db) }),
        Some(row) => Ok(row),
        None => call.env.undefined(),
    }
}

/// All its rows.
pub(crate) fn all(call: &Call<'_>) -> Result<Value> {
    let statement = alive(call)?;
    statement.bind(call.rest(4))?;
    let rows = statement.collect(Making::of(call)?);
    statement.reset();
    rows
}

/// Begins to read its rows one by one.
pub(crate) fn begin(call: &Call<'_>) -> Result<Value> {
    let statement = alive(call)?;
    statement.bind(call.rest(1))?;
    statement.of.compiled.reading.set(true);
    call.env.undefined()
}

/// The next row, or undefined at the end.
pub(crate) fn step(call: &Call<'_>) -> Result<Value> {
    match alive(call)?.next(&mut Making::of(call)?)? {
        Some(row) => Ok(row),
        None => call.env.undefined(),
    }
}

/// Leaves off reading.
pub(crate) fn leave(call: &Call<'_>) -> Result<Value> {
    if call.held::<Statement>(0)?.handle.is_open() {
        let statement = alive(call)?;
        statement.reset();
        statement.of.compiled.reading.set(false);
    }
    call.env.undefined()
}

impl Statement {
    pub(crate) fn new(handle: Rc<Handle>, compiled: Rc<Compiled>) -> Self {
        Self { handle, compiled, recompiled: Cell::new(0) }
    }
}

impl Alive<'_> {
    /// Binds the values by their number.
    fn bind(&self, given: &[Value]) -> Result<()> {
        for (n, value) in (1..).zip(given) {
            // SAFETY: the statement is alive; so below.
            unsafe {
                if values::give(self.env, *value, Target::Parameter(self.at, n))? != ffi::SQLITE_OK {
                    return Err(failed(self.env, self.db));
                }
            }
        }
        Ok(())
    }

    /// Ends a run; says how it went.
    fn reset(&self) -> c_int {
        // SAFETY: see `bind`.
        unsafe { ffi::sqlite3_reset(self.at) }
    }

    /// Steps to the next row, if there is one.
    fn advance(&self) -> Result<bool> {
        // SAFETY: see `bind`.
        unsafe {
            match ffi::sqlite3_step(self.at) {
                ffi::SQLITE_ROW => Ok(true),
                ffi::SQLITE_DONE => Ok(false),
                _ => Err(failed(self.env, self.db)),
            }
        }
    }

    /// The next row.
    fn next(&self, making: &mut Making) -> Result<Option<Value>> {
        if !self.advance()? {
            return Ok(None);
        }
        // SAFETY: see `bind`.
        let recompiled = unsafe { ffi::sqlite3_stmt_status(self.at, ffi::SQLITE_STMTSTATUS_REPREPARE, 0) };
        if self.of.recompiled.replace(recompiled) != recompiled || self.of.compiled.is_another() {
            making.make = self.env.call(making.remake, &[])?;
        }
        self.row(making).map(Some)
    }

    /// The row that the statement is at.
    fn row(&self, making: &Making) -> Result<Value> {
        // SAFETY: the statement is at a row.
        let value = |n| unsafe { values::column(self.env, self.at, n, making.bigints) };
        if !self.env.is_function(making.make)? {
            return value(0);
        }
        // SAFETY: see `bind`.
        let count = unsafe { ffi::sqlite3_column_count(self.at) };
        let mut few = [ptr::null_mut(); FEW];
        if let Some(few) = few.get_mut(..count as usize) {
            for (n, place) in (0..).zip(few.iter_mut()) {
                *place = value(n)?;
            }
            return self.env.call(making.make, few);
        }
        self.env.call(making.make, &(0..count).map(value).collect::<Result<Vec<_>>>()?)
    }

    fn collect(&self, mut making: Making) -> Result<Value> {
        let (env, rows) = (self.env, self.env.array()?);
        match self.next(&mut making)? {
            Some(row) => env.put(rows, 0, row)?,
            None => return Ok(rows),
        }
        // From here on the columns stay the same until it is reset.
        for n in 1.. {
            if !self.advance()? {
                break;
            }
            env.scoped(|| env.put(rows, n, self.row(&making)?))?;
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
