//! Values of JavaScript that outlive the call in which they came.
#![allow(unsafe_code, reason = "Node-API is C")]

use std::ptr;

use napi_sys as sys;

use crate::node::{Env, Result, Value};

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

    /// Calls it, where it is a function.
    pub(crate) fn call(&self, values: &[Value]) -> Result<Value> {
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
