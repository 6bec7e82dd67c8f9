//! A statement: bound and run, its rows made into whatever the SDK makes of them.
//!
//! A row is made by a function of JavaScript that takes the columns' values: it makes objects of one shape, which costs a
//! fraction of setting their properties one by one from here. Without one, a row is its first column.
#![allow(unsafe_code, reason = "SQLite is C")]

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr;
use std::rc::Rc;

use rusqlite::ffi;

use crate::compiled::Compiled;
use crate::failure::{being_read, failed};
use crate::handle::{Handle, Work};
use crate::node::{Call, Env, Result, Value};
use crate::values::{self, Target};

/// Values of so many bytes are let go after a run, since a statement that is kept would keep them. To let go of short ones costs
/// more than it gives.
const LARGE: usize = 1024;

/// Columns of a row that need no memory of their own.
const FEW: usize = 16;

/// A statement of a connection.
pub(crate) struct Statement {
    pub(crate) handle: Rc<Handle>,
    pub(crate) compiled: Rc<Compiled>,
    /// How often SQLite had compiled it anew when rows were last made: the columns may be others since then.
    recompiled: Cell<c_int>,
    /// Whether its rows are read one by one and nobody has been told of it yet.
    untold: Cell<bool>,
    /// Whether a large value is bound.
    large: Cell<bool>,
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

/// A statement that can be run: SQLite is at work on its connection.
struct Alive<'a> {
    env: Env,
    of: &'a Statement,
    work: Work<'a>,
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
    let work = of.handle.work(env)?;
    // SAFETY: the connection is open, and the statement's.
    let at = unsafe { of.compiled.get(work.db, &of.handle.compiled).map_err(|()| failed(env, work.db))? };
    Ok(Alive { env, of, work, at })
}

/// Runs it to its end, leaves how many rows it has changed, and gives the row id that was last inserted.
pub(crate) fn run(call: &Call<'_>) -> Result<Value> {
    let bigints = call.flag(1)?;
    alive(call)?.run(call.rest(2), |statement| {
        let db = statement.work.db;
        // SAFETY: the connection is open, and stays so: nobody closes it while SQLite is at work.
        unsafe {
            let before = ffi::sqlite3_total_changes64(db);
            while statement.advance()? {}
            let changed = ffi::sqlite3_total_changes64(db) != before;
            statement.of.handle.changed(if changed { ffi::sqlite3_changes64(db) } else { 0 });
            values::integer(statement.env, ffi::sqlite3_last_insert_rowid(db), bigints)
        }
    })
}

/// Its first row, or undefined.
pub(crate) fn get(call: &Call<'_>) -> Result<Value> {
    let mut making = Making::of(call)?;
    alive(call)?.run(call.rest(4), |statement| statement.next_or_undefined(&mut making))
}

/// All its rows.
pub(crate) fn all(call: &Call<'_>) -> Result<Value> {
    let making = Making::of(call)?;
    alive(call)?.run(call.rest(4), |statement| statement.collect(making))
}

/// Begins to read its rows one by one.
pub(crate) fn begin(call: &Call<'_>) -> Result<Value> {
    let statement = alive(call)?;
    statement.assert_unread()?;
    if let Err(thrown) = statement.bind(call.rest(1)) {
        return statement.end(Err(thrown));
    }
    statement.of.compiled.reading.set(true);
    statement.of.untold.set(true);
    call.env.undefined()
}

/// The next row, or undefined at the end.
pub(crate) fn step(call: &Call<'_>) -> Result<Value> {
    let mut making = Making::of(call)?;
    let statement = alive(call)?;
    if statement.of.untold.replace(false) {
        statement.tell()?;
    }
    statement.next_or_undefined(&mut making)
}

/// Leaves off reading.
pub(crate) fn leave(call: &Call<'_>) -> Result<Value> {
    if call.held::<Statement>(0)?.handle.is_open() {
        let statement = alive(call)?;
        // How it went was said by the steps.
        statement.reset();
        statement.of.compiled.reading.set(false);
    }
    call.env.undefined()
}

impl Statement {
    pub(crate) fn new(handle: Rc<Handle>, compiled: Rc<Compiled>) -> Self {
        Self { handle, compiled, recompiled: Cell::new(0), untold: Cell::new(false), large: Cell::new(false) }
    }
}

impl Alive<'_> {
    /// Binds, does what is to be done with the statement, and ends the run whatever has come of it.
    fn run<T>(&self, given: &[Value], act: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        self.assert_unread()?;
        self.end(self.bind(given).and_then(|()| self.tell()).and_then(|()| act(self)))
    }

    /// Throws where somebody reads its rows one by one: a run would take them away.
    fn assert_unread(&self) -> Result<()> {
        if self.of.compiled.reading.get() { Err(being_read(self.env)) } else { Ok(()) }
    }

    /// Ends a run that has come so far. An exception is kept aside meanwhile: the end of an aggregate runs JavaScript.
    fn end<T>(&self, done: Result<T>) -> Result<T> {
        let thrown = if done.is_err() { self.env.take_exception() } else { None };
        let code = self.reset();
        if let Some(thrown) = thrown {
            self.env.throw(thrown);
        }
        if done.is_ok() && code != ffi::SQLITE_OK {
            // A statement that writes, and was not stepped to its end, may fail only here.
            // SAFETY: the connection is open.
            return Err(unsafe { failed(self.env, self.work.db) });
        }
        done
    }

    /// Tells whoever wants to know that it is about to run.
    fn tell(&self) -> Result<()> {
        // SAFETY: the statement is alive; so below.
        unsafe { self.of.handle.tell(self.env, self.at) }
    }

    /// Binds the values by their number.
    fn bind(&self, given: &[Value]) -> Result<()> {
        for (n, value) in (1..).zip(given) {
            // SAFETY: see `tell`.
            unsafe {
                let given = values::give(self.env, *value, Target::Parameter(self.at, n))?;
                if given.code != ffi::SQLITE_OK {
                    return Err(failed(self.env, self.work.db));
                }
                if given.bytes >= LARGE {
                    self.of.large.set(true);
                }
            }
        }
        Ok(())
    }

    /// Makes it ready for the next run, and lets go of large values.
    fn reset(&self) -> c_int {
        // SAFETY: see `tell`.
        unsafe {
            let code = ffi::sqlite3_reset(self.at);
            if self.of.large.replace(false) {
                ffi::sqlite3_clear_bindings(self.at);
            }
            code
        }
    }

    /// Steps to the next row, if there is one.
    fn advance(&self) -> Result<bool> {
        // SAFETY: see `tell`.
        unsafe {
            match ffi::sqlite3_step(self.at) {
                ffi::SQLITE_ROW => Ok(true),
                ffi::SQLITE_DONE => Ok(false),
                _ => Err(failed(self.env, self.work.db)),
            }
        }
    }

    /// The next row.
    fn next(&self, making: &mut Making) -> Result<Option<Value>> {
        if !self.advance()? {
            return Ok(None);
        }
        // SAFETY: see `tell`.
        let recompiled = unsafe { ffi::sqlite3_stmt_status(self.at, ffi::SQLITE_STMTSTATUS_REPREPARE, 0) };
        if self.of.recompiled.replace(recompiled) != recompiled || self.of.compiled.is_another() {
            making.make = self.env.call(making.remake, &[])?;
        }
        self.row(making).map(Some)
    }

    /// The next row, or undefined at the end.
    fn next_or_undefined(&self, making: &mut Making) -> Result<Value> {
        self.next(making)?.map_or_else(|| self.env.undefined(), Ok)
    }

    /// The row that the statement is at.
    fn row(&self, making: &Making) -> Result<Value> {
        // SAFETY: the statement is at a row.
        let value = |n| unsafe { values::column(self.env, self.at, n, making.bigints) };
        if !self.env.is_function(making.make)? {
            return value(0);
        }
        // SAFETY: see `tell`.
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
