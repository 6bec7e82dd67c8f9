//! Calls from JavaScript: how the module is registered, what a call brings, and how a connection or a statement is held there.
//!
//! By Node-API itself, without a framework: one that checks borrowing at run time made `run` cost twice as much.
#![allow(unsafe_code, reason = "Node-API is C")]

use std::any::TypeId;
use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use napi_sys as sys;

use crate::{FUNCTIONS, NODE_API};

/// A value of JavaScript, until the call that brought it returns.
pub(crate) type Value = sys::napi_value;

/// An exception is on its way to JavaScript.
#[derive(Debug)]
pub(crate) struct Thrown;

/// What a step gives, or an exception.
pub(crate) type Result<T> = std::result::Result<T, Thrown>;

/// A function that JavaScript calls.
pub(crate) type Function = fn(&Call<'_>) -> Result<Value>;

/// Arguments that need no memory of their own.
const FEW: usize = 16;

/// The environment that we are called from.
#[derive(Clone, Copy)]
pub(crate) struct Env(pub(crate) sys::napi_env);

impl Env {
    /// Turns a status of Node-API into a result. What it refuses here is a value that is too large, or what JavaScript threw.
    pub(crate) fn ok(self, status: sys::napi_status) -> Result<()> {
        if status == sys::Status::napi_ok {
            return Ok(());
        }
        if !self.is_throwing() {
            let said = c"a value is too large for JavaScript, or not of the type that was expected";
            // SAFETY: this is the environment that we are called from.
            unsafe { sys::napi_throw_error(self.0, ptr::null(), said.as_ptr()) };
        }
        Err(Thrown)
    }

    /// The value `undefined`.
    pub(crate) fn undefined(self) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: this is the environment that we are called from.
        self.ok(unsafe { sys::napi_get_undefined(self.0, &raw mut value) })?;
        Ok(value)
    }

    /// A boolean.
    pub(crate) fn boolean(self, is: bool) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: this is the environment that we are called from.
        self.ok(unsafe { sys::napi_get_boolean(self.0, is, &raw mut value) })?;
        Ok(value)
    }

    /// An empty array.
    pub(crate) fn array(self) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: this is the environment that we are called from.
        self.ok(unsafe { sys::napi_create_array(self.0, &raw mut value) })?;
        Ok(value)
    }

    /// Puts a value into an array.
    pub(crate) fn put(self, array: Value, n: u32, value: Value) -> Result<()> {
        // SAFETY: this is the environment that we are called from.
        self.ok(unsafe { sys::napi_set_element(self.0, array, n, value) })
    }

    /// Whether a value is a function.
    pub(crate) fn is_function(self, value: Value) -> Result<bool> {
        let mut kind = 0;
        // SAFETY: this is the environment that we are called from.
        self.ok(unsafe { sys::napi_typeof(self.0, value, &raw mut kind) })?;
        Ok(kind == sys::ValueType::napi_function)
    }

    /// Calls a function of JavaScript.
    pub(crate) fn call(self, function: Value, values: &[Value]) -> Result<Value> {
        let (this, mut answer) = (self.undefined()?, ptr::null_mut());
        let (count, values) = (values.len(), values.as_ptr());
        // SAFETY: this is the environment that we are called from, and the values are of it.
        self.ok(unsafe { sys::napi_call_function(self.0, this, function, count, values, &raw mut answer) })?;
        Ok(answer)
    }

    /// Does something whose values are let go at its end.
    pub(crate) fn scoped<T>(self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut scope = ptr::null_mut();
        // SAFETY: this is the environment that we are called from; the scope is closed where it was opened.
        unsafe {
            self.ok(sys::napi_open_handle_scope(self.0, &raw mut scope))?;
            let done = act();
            sys::napi_close_handle_scope(self.0, scope);
            done
        }
    }

    /// Whether an exception is on its way: no JavaScript runs until somebody has it.
    pub(crate) fn is_throwing(self) -> bool {
        let mut pending = false;
        // SAFETY: this is the environment that we are called from.
        unsafe { sys::napi_is_exception_pending(self.0, &raw mut pending) };
        pending
    }

    /// Takes an exception off its way, if there is one.
    pub(crate) fn take_exception(self) -> Option<Value> {
        if !self.is_throwing() {
            return None;
        }
        let mut threw = ptr::null_mut();
        // SAFETY: this is the environment that we are called from.
        unsafe { sys::napi_get_and_clear_last_exception(self.0, &raw mut threw) };
        Some(threw)
    }

    /// Sends an exception on its way again.
    pub(crate) fn throw(self, exception: Value) {
        // SAFETY: this is the environment that we are called from, and the exception is of it.
        unsafe { sys::napi_throw(self.0, exception) };
    }

    /// Gives something of ours to JavaScript, which drops it when nobody can reach it any more.
    pub(crate) fn hold<T: 'static>(self, value: T) -> Result<Value> {
        let held = Box::into_raw(Box::new(Held { kind: TypeId::of::<T>(), value }));
        let mut external = ptr::null_mut();
        // SAFETY: the box is given away, and taken back by `release` alone.
        unsafe {
            let status = sys::napi_create_external(
                self.0,
                held.cast(),
                Some(release::<T>),
                ptr::null_mut(),
                &raw mut external,
            );
            if status != sys::Status::napi_ok {
                drop(Box::from_raw(held));
            }
            self.ok(status)?;
        }
        Ok(external)
    }
}

/// What JavaScript holds of ours.
#[repr(C)]
struct Held<T> {
    kind: TypeId,
    value: T,
}

unsafe extern "C" fn release<T>(_: sys::napi_env, held: *mut c_void, _: *mut c_void) {
    // SAFETY: JavaScript gives back what it was given, once.
    drop(unsafe { Box::from_raw(held.cast::<Held<T>>()) });
}

/// A call from JavaScript.
pub(crate) struct Call<'a> {
    pub(crate) env: Env,
    arguments: &'a [Value],
}

impl Call<'_> {
    /// An argument.
    pub(crate) fn argument(&self, n: usize) -> Result<Value> {
        self.arguments.get(n).map_or_else(|| self.env.undefined(), |value| Ok(*value))
    }

    /// The arguments from this one on.
    pub(crate) fn rest(&self, n: usize) -> &[Value] {
        self.arguments.get(n..).unwrap_or_default()
    }

    /// What JavaScript was given by [`Env::hold`].
    pub(crate) fn held<T: 'static>(&self, n: usize) -> Result<&T> {
        let mut held = ptr::null_mut();
        // SAFETY: externals of this addon alone are passed to it, and each begins with its kind; the argument keeps it alive
        // until this call returns.
        unsafe {
            self.env.ok(sys::napi_get_value_external(self.env.0, self.argument(n)?, &raw mut held))?;
            if *held.cast::<TypeId>() != TypeId::of::<T>() {
                self.env.ok(sys::Status::napi_invalid_arg)?;
            }
            Ok(&(*held.cast::<Held<T>>()).value)
        }
    }

    /// A boolean.
    pub(crate) fn flag(&self, n: usize) -> Result<bool> {
        let mut value = false;
        // SAFETY: this is the environment that we are called from.
        self.env.ok(unsafe { sys::napi_get_value_bool(self.env.0, self.argument(n)?, &raw mut value) })?;
        Ok(value)
    }

    /// A whole number.
    pub(crate) fn number(&self, n: usize) -> Result<i32> {
        let mut value = 0;
        // SAFETY: this is the environment that we are called from.
        self.env.ok(unsafe { sys::napi_get_value_int32(self.env.0, self.argument(n)?, &raw mut value) })?;
        Ok(value)
    }

    /// A text.
    pub(crate) fn text(&self, n: usize) -> Result<Vec<u8>> {
        let (env, value, mut length) = (self.env, self.argument(n)?, 0);
        // SAFETY: this is the environment that we are called from; the buffer is as long as it is said to be.
        unsafe {
            env.ok(sys::napi_get_value_string_utf8(env.0, value, ptr::null_mut(), 0, &raw mut length))?;
            let mut text = vec![0_u8; length + 1];
            let at = text.as_mut_ptr().cast::<c_char>();
            env.ok(sys::napi_get_value_string_utf8(env.0, value, at, length + 1, &raw mut length))?;
            text.truncate(length);
            Ok(text)
        }
    }

    /// A text that C reads, which cannot hold U+0000.
    pub(crate) fn name(&self, n: usize) -> Result<CString> {
        CString::new(self.text(n)?).map_err(|_| {
            let said = c"a name or a path cannot hold U+0000";
            // SAFETY: this is the environment that we are called from.
            unsafe { sys::napi_throw_type_error(self.env.0, ptr::null(), said.as_ptr()) };
            Thrown
        })
    }
}

/// Where every call comes in; which function it is for was said when it was registered.
unsafe extern "C" fn called(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    let (mut few, mut count, mut function) = ([ptr::null_mut(); FEW], FEW, ptr::null_mut());
    let mut many = Vec::new();
    // SAFETY: Node gives as many arguments as there is room for, and says how many there are.
    unsafe {
        let this = ptr::null_mut();
        sys::napi_get_cb_info(env, info, &raw mut count, few.as_mut_ptr(), this, &raw mut function);
        if count > FEW {
            many.resize(count, ptr::null_mut());
            sys::napi_get_cb_info(env, info, &raw mut count, many.as_mut_ptr(), this, &raw mut function);
        }
    }
    let arguments = if many.is_empty() { &few[..count] } else { &many };
    let call = Call { env: Env(env), arguments };
    // SAFETY: `napi_register_module_v1` has put a reference to a function there.
    let function = unsafe { &*function.cast::<Function>() };
    match catch_unwind(AssertUnwindSafe(|| function(&call))) {
        Ok(Ok(value)) => value,
        Ok(Err(Thrown)) => ptr::null_mut(),
        Err(_) => {
            let said = c"Outboard's SQLite addon failed; please report what was called";
            // SAFETY: this is the environment that we are called from.
            unsafe { sys::napi_throw_error(env, ptr::null(), said.as_ptr()) };
            ptr::null_mut()
        }
    }
}

/// What Node looks for: fills the module's exports.
///
/// # Safety
/// Called by Node alone.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn napi_register_module_v1(env: sys::napi_env, exports: Value) -> Value {
    for (name, function) in FUNCTIONS {
        let (at, length, data) =
            (name.as_ptr().cast(), name.len() as isize, ptr::from_ref(function).cast_mut().cast());
        let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: Node gives its environment and the module's exports; the table of functions is there for ever.
        unsafe {
            sys::napi_create_function(env, at, length, Some(called), data, &raw mut value);
            sys::napi_create_string_utf8(env, at, length, &raw mut key);
            sys::napi_set_property(env, exports, key, value);
        }
    }
    exports
}

/// What Node asks for before: which version of Node-API the module was written for.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn node_api_module_get_api_version_v1() -> i32 {
    NODE_API
}
