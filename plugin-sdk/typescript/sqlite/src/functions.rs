//! Functions and aggregates of JavaScript that SQL calls, and one that is told of every statement.
//!
//! They run inside a statement, on the thread of the environment that defined them. What one throws stays in JavaScript: the SDK
//! remembers it, the statement fails, and the SDK throws it in place of SQLite's error.
#![allow(unsafe_code, reason = "Node-API and SQLite are C")]

use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::rc::Rc;
use std::slice;

use napi_sys as sys;
use rusqlite::ffi;

use crate::connection::Handle;
use crate::failure::failed;
use crate::node::{Call, Env, Result, Value};
use crate::values::{self, Target};

/// What SQLite says where a function threw; the SDK throws the thing itself.
const THREW: &CStr = c"a user function failed";

/// A value that is kept from the collector.
pub(crate) struct Kept {
    env: Env,
    reference: sys::napi_ref,
}

impl Kept {
    pub(crate) fn new(env: Env, value: Value) -> Result<Self> {
        let mut reference = ptr::null_mut();
        // SAFETY: this is the environment that we are called from.
        env.ok(unsafe { sys::napi_create_reference(env.0, value, 1, &raw mut reference) })?;
        Ok(Self { env, reference })
    }

    fn call(&self, values: &[Value]) -> Result<Value> {
        let mut function = ptr::null_mut();
        // SAFETY: we are inside a call of its environment.
        self.env
            .ok(unsafe { sys::napi_get_reference_value(self.env.0, self.reference, &raw mut function) })?;
        self.env.call(function, values)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: it is dropped on the thread of its environment, where the connection is closed.
        unsafe { sys::napi_delete_reference(self.env.0, self.reference) };
    }
}

/// A function that is told of every statement that runs.
pub(crate) struct Tracer(Kept);

/// Has a function told of every statement that runs, its parameters filled in.
pub(crate) fn trace(call: &Call<'_>) -> Result<Value> {
    let handle = call.held::<Rc<Handle>>(0)?;
    let db = handle.get(call.env)?;
    let mut tracer = Box::new(Tracer(Kept::new(call.env, call.argument(1)?)?));
    let at = (&raw mut *tracer).cast();
    // SAFETY: the connection is open, and closed before the tracer goes; the box stays where it is.
    unsafe { ffi::sqlite3_trace_v2(db, ffi::SQLITE_TRACE_STMT, Some(traced), at) };
    handle.tracer.replace(Some(tracer));
    call.env.undefined()
}

unsafe extern "C" fn traced(_: u32, tracer: *mut c_void, statement: *mut c_void, text: *mut c_void) -> c_int {
    // SAFETY: SQLite calls this with what it was given, while a statement begins.
    unsafe {
        // What a trigger does comes as a comment.
        if CStr::from_ptr(text.cast()).to_bytes().starts_with(b"--") {
            return 0;
        }
        let Tracer(kept) = &*tracer.cast::<Tracer>();
        let sql = ffi::sqlite3_expanded_sql(statement.cast());
        if !sql.is_null() {
            let text = CStr::from_ptr(sql).to_bytes().trim_ascii();
            if kept.env.scoped(|| kept.call(&[values::text(kept.env, text)?])).is_err() {
                // A statement does not fail for what is said of it.
                kept.env.forget_exception();
            }
            ffi::sqlite3_free(sql.cast());
        }
    }
    0
}

/// What SQLite keeps for a function or an aggregate, and gives back when it forgets it.
struct Calls {
    env: Env,
    bigints: bool,
    /// The function, or the step of an aggregate.
    step: Kept,
    inverse: Option<Kept>,
    value: Option<Kept>,
    last: Option<Kept>,
    /// How many groups of rows have been numbered.
    groups: u32,
}

type Function = unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value);
type Answer = unsafe extern "C" fn(*mut ffi::sqlite3_context);

/// Lets SQL call a function.
pub(crate) fn define(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let (db, name) = (call.held::<Rc<Handle>>(0)?.get(env)?, call.name(1)?);
    let (arity, flags, bigints) = (call.number(2)?, call.number(3)? | ffi::SQLITE_UTF8, call.flag(4)?);
    let step = Kept::new(env, call.argument(5)?)?;
    let calls = Box::new(Calls { env, bigints, step, inverse: None, value: None, last: None, groups: 0 });
    let calls = Box::into_raw(calls).cast();
    // SAFETY: the connection is open; SQLite gives the calls back to `forget`, also where this fails.
    let code = unsafe {
        let (function, forget) =
            (Some(scalar as Function), Some(forget as unsafe extern "C" fn(*mut c_void)));
        ffi::sqlite3_create_function_v2(db, name.as_ptr(), arity, flags, calls, function, None, None, forget)
    };
    // SAFETY: the connection is open.
    if code == ffi::SQLITE_OK { env.undefined() } else { Err(unsafe { failed(env, db) }) }
}

/// Lets SQL call an aggregate, as a window function where it can take a row back. Each of its functions is given the number of
/// its group of rows first.
pub(crate) fn aggregate(call: &Call<'_>) -> Result<Value> {
    let env = call.env;
    let (db, name) = (call.held::<Rc<Handle>>(0)?.get(env)?, call.name(1)?);
    let (arity, flags, bigints) = (call.number(2)?, call.number(3)? | ffi::SQLITE_UTF8, call.flag(4)?);
    let window = env.is_function(call.argument(6)?)?;
    let kept = |n| Kept::new(env, call.argument(n)?);
    let inverse = if window { Some(kept(6)?) } else { None };
    let value = if window { Some(kept(7)?) } else { None };
    let calls =
        Box::new(Calls { env, bigints, step: kept(5)?, inverse, value, last: Some(kept(8)?), groups: 0 });
    let calls = Box::into_raw(calls).cast();
    // SAFETY: see `define`.
    let code = unsafe {
        let (value, inverse) = (window.then_some(valued as Answer), window.then_some(reverted as Function));
        let (step, last) = (Some(stepped as Function), Some(ended as Answer));
        ffi::sqlite3_create_window_function(
            db,
            name.as_ptr(),
            arity,
            flags,
            calls,
            step,
            last,
            value,
            inverse,
            Some(forget),
        )
    };
    // SAFETY: the connection is open.
    if code == ffi::SQLITE_OK { env.undefined() } else { Err(unsafe { failed(env, db) }) }
}

unsafe extern "C" fn forget(calls: *mut c_void) {
    // SAFETY: SQLite gives back what it was given, once.
    drop(unsafe { Box::from_raw(calls.cast::<Calls>()) });
}

/// # Safety
/// SQLite calls this with a context of ours and what goes with it, inside a statement; so each of the five below.
unsafe extern "C" fn scalar(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    given: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: as SQLite promises.
    unsafe {
        let calls = &*ffi::sqlite3_user_data(context).cast::<Calls>();
        answer(context, calls, &calls.step, None, arguments(count, given), true);
    }
}

unsafe extern "C" fn stepped(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    given: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: as SQLite promises.
    unsafe {
        let group = group(context);
        let calls = &*ffi::sqlite3_user_data(context).cast::<Calls>();
        answer(context, calls, &calls.step, Some(group), arguments(count, given), false);
    }
}

unsafe extern "C" fn reverted(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    given: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: as SQLite promises.
    unsafe {
        let group = group(context);
        let calls = &*ffi::sqlite3_user_data(context).cast::<Calls>();
        if let Some(inverse) = &calls.inverse {
            answer(context, calls, inverse, Some(group), arguments(count, given), false);
        }
    }
}

unsafe extern "C" fn valued(context: *mut ffi::sqlite3_context) {
    // SAFETY: as SQLite promises.
    unsafe {
        let group = group(context);
        let calls = &*ffi::sqlite3_user_data(context).cast::<Calls>();
        if let Some(value) = &calls.value {
            answer(context, calls, value, Some(group), &[], true);
        }
    }
}

unsafe extern "C" fn ended(context: *mut ffi::sqlite3_context) {
    // SAFETY: as SQLite promises.
    unsafe {
        let group = group(context);
        let calls = &*ffi::sqlite3_user_data(context).cast::<Calls>();
        if let Some(last) = &calls.last {
            answer(context, calls, last, Some(group), &[], true);
        }
    }
}

/// The number of the group of rows that is being worked on; 0 where there is no memory for one.
///
/// # Safety
/// The context is that of an aggregate of ours, and nobody has its calls borrowed.
unsafe fn group(context: *mut ffi::sqlite3_context) -> u32 {
    // SAFETY: as the caller promises; SQLite gives zeroed memory that is aligned for any type.
    unsafe {
        let kept = ffi::sqlite3_aggregate_context(context, size_of::<u32>() as c_int).cast::<u32>();
        if kept.is_null() {
            return 0;
        }
        if *kept == 0 {
            let calls = &mut *ffi::sqlite3_user_data(context).cast::<Calls>();
            calls.groups = calls.groups.wrapping_add(1).max(1);
            *kept = calls.groups;
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

/// Calls a function and gives SQLite its answer, where it has one.
///
/// # Safety
/// We are inside a statement of the environment that defined the function; context and arguments are alive.
unsafe fn answer(
    context: *mut ffi::sqlite3_context,
    calls: &Calls,
    function: &Kept,
    group: Option<u32>,
    given: &[*mut ffi::sqlite3_value],
    answers: bool,
) {
    let env = calls.env;
    let done = env.scoped(|| {
        let mut values = Vec::with_capacity(given.len() + 1);
        if let Some(group) = group {
            values.push(values::integer(env, group.into(), false)?);
        }
        for value in given {
            // SAFETY: as the caller promises.
            values.push(unsafe { values::argument(env, *value, calls.bigints)? });
        }
        let answer = function.call(&values)?;
        if answers {
            // SAFETY: as the caller promises.
            unsafe { values::give(env, answer, Target::Result(context))? };
        }
        Ok(())
    });
    if done.is_err() {
        // The SDK has it; pending, it would meet whatever is called next.
        env.forget_exception();
        // SAFETY: as the caller promises.
        unsafe { ffi::sqlite3_result_error(context, THREW.as_ptr(), -1) };
    }
}
