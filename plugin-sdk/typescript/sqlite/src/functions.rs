//! Functions and aggregates of JavaScript that SQL calls, and one that is told of every statement.
//!
//! The former run inside a statement, on the thread of the environment that defined them. What one throws stays in JavaScript: the
//! SDK remembers it, the statement fails, and the SDK throws it in place of SQLite's error.
#![allow(unsafe_code, reason = "Node-API and SQLite are C")]

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::rc::Rc;
use std::slice;

use rusqlite::ffi;

use crate::failure::failed;
use crate::handle::Handle;
use crate::kept::Kept;
use crate::node::{Call, Env, Result, Value};
use crate::values::{self, Target};

/// What SQLite says where a function threw; the SDK throws the thing itself.
const THREW: &CStr = c"a user function failed";

/// Has a function told of every statement before it runs, its parameters filled in.
pub(crate) fn trace(call: &Call<'_>) -> Result<Value> {
    let handle = call.held::<Rc<Handle>>(0)?;
    let _work = handle.work(call.env)?;
    handle.tracer.replace(Some(Kept::new(call.env, call.argument(1)?)?));
    call.env.undefined()
}

/// The function, or what adds a row to an aggregate.
const STEP: usize = 0;
/// What takes a row back from an aggregate, which is a window function then.
const INVERSE: usize = 1;
/// What an aggregate is worth before its last row.
const VALUE: usize = 2;
/// What an aggregate is worth at its end.
const LAST: usize = 3;

/// What SQLite keeps for a function or an aggregate, and gives back when it forgets it.
struct Calls {
    env: Env,
    bigints: bool,
    parts: [Option<Kept>; LAST + 1],
    /// How many groups of rows have been numbered.
    groups: Cell<u32>,
}

impl Calls {
    fn is_aggregate(&self) -> bool {
        self.parts[LAST].is_some()
    }
}

/// Lets SQL call a function or an aggregate, which is a window function where it can take a row back. Each function of an aggregate is
/// given the number of its group of rows first.
pub(crate) fn define(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let name = call.name(1)?;
    let (arity, flags, bigints) = (call.number(2)?, call.number(3)? | ffi::SQLITE_UTF8, call.flag(4)?);
    let part = |n| {
        let function = call.argument(5 + n)?;
        if env.is_function(function)? { Kept::new(env, function).map(Some) } else { Ok(None) }
    };
    let parts = [part(STEP)?, part(INVERSE)?, part(VALUE)?, part(LAST)?];
    let calls = Calls { env, bigints, parts, groups: Cell::new(0) };
    let (aggregate, window) = (calls.is_aggregate(), calls.parts[INVERSE].is_some());
    let work = call.held::<Rc<Handle>>(0)?.work(env)?;
    let (db, at) = (work.db, name.as_ptr());
    let calls = Box::into_raw(Box::new(calls)).cast();
    let step = Some(given::<STEP> as Given);
    let forget = Some(forget as unsafe extern "C" fn(*mut c_void));
    // SAFETY: the connection is open; SQLite gives the calls back to `forget`, also where this fails.
    let code = unsafe {
        if aggregate {
            let inverse = window.then_some(given::<INVERSE> as Given);
            let (value, last) = (window.then_some(asked::<VALUE> as Asked), Some(asked::<LAST> as Asked));
            ffi::sqlite3_create_window_function(
                db, at, arity, flags, calls, step, last, value, inverse, forget,
            )
        } else {
            ffi::sqlite3_create_function_v2(db, at, arity, flags, calls, step, None, None, forget)
        }
    };
    // SAFETY: the connection is open.
    if code == ffi::SQLITE_OK { env.undefined() } else { Err(unsafe { failed(env, db) }) }
}

type Given = unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value);
type Asked = unsafe extern "C" fn(*mut ffi::sqlite3_context);

unsafe extern "C" fn forget(calls: *mut c_void) {
    // SAFETY: SQLite gives back what it was given, once.
    drop(unsafe { Box::from_raw(calls.cast::<Calls>()) });
}

/// A part that takes values.
unsafe extern "C" fn given<const PART: usize>(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    given: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite calls this with a context of ours and so many values, inside a statement.
    unsafe { answer(context, PART, arguments(count, given)) };
}

/// A part that says what an aggregate is worth.
unsafe extern "C" fn asked<const PART: usize>(context: *mut ffi::sqlite3_context) {
    // SAFETY: SQLite calls this with a context of ours, inside a statement.
    unsafe { answer(context, PART, &[]) };
}

/// The number of the group of rows that is being worked on; 0 where there is no memory for one.
///
/// # Safety
/// The context is that of an aggregate with these calls.
unsafe fn group(context: *mut ffi::sqlite3_context, calls: &Calls) -> u32 {
    // SAFETY: as the caller promises; SQLite gives zeroed memory that is aligned for any type.
    unsafe {
        let kept = ffi::sqlite3_aggregate_context(context, size_of::<u32>() as c_int).cast::<u32>();
        if kept.is_null() {
            return 0;
        }
        if *kept == 0 {
            calls.groups.set(calls.groups.get().wrapping_add(1).max(1));
            *kept = calls.groups.get();
        }
        *kept
    }
}

/// # Safety
/// There are so many arguments.
unsafe fn arguments<'a>(count: c_int, given: *mut *mut ffi::sqlite3_value) -> &'a [*mut ffi::sqlite3_value] {
    match usize::try_from(count) {
        // SAFETY: as the caller promises.
        Ok(count) if count > 0 => unsafe { slice::from_raw_parts(given, count) },
        _ => &[],
    }
}

/// Calls a part and gives SQLite its answer, where it has one.
///
/// # Safety
/// We are inside a statement of the environment that defined the function; context and arguments are alive.
unsafe fn answer(context: *mut ffi::sqlite3_context, part: usize, given: &[*mut ffi::sqlite3_value]) {
    // SAFETY: as the caller promises; so below.
    let calls = unsafe { &*ffi::sqlite3_user_data(context).cast::<Calls>() };
    let (env, aggregate) = (calls.env, calls.is_aggregate());
    let Some(function) = &calls.parts[part] else { return };
    // Somebody else's exception is on its way: no JavaScript runs, and it is not ours to take.
    let failed = env.is_throwing()
        || env
            .scoped(|| {
                let mut values = Vec::with_capacity(given.len() + 1);
                if aggregate {
                    // SAFETY: see above.
                    values.push(values::integer(env, unsafe { group(context, calls) }.into(), false)?);
                }
                for value in given {
                    // SAFETY: see above.
                    values.push(unsafe { values::argument(env, *value, calls.bigints)? });
                }
                let answer = function.call(&values)?;
                if !aggregate || part >= VALUE {
                    // SAFETY: see above.
                    unsafe { values::give(env, answer, Target::Result(context))? };
                }
                Ok(())
            })
            // The SDK has it; on its way, it would meet whatever is called next.
            .inspect_err(|_| _ = env.take_exception())
            .is_err();
    if failed {
        // SAFETY: see above.
        unsafe { ffi::sqlite3_result_error(context, THREW.as_ptr(), -1) };
    }
}
