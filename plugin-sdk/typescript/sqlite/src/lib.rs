//! SQLite for JavaScript plugins: a Node-API addon, loaded into the plugin's own process by the SDK's `database/addon.ts`.
//!
//! It gives connections and statements and no more. What an author sees, which is better-sqlite3's shape with its checks,
//! is laid over it in TypeScript, as it is over Node's own SQLite. Must not know of plugins, folders or quotas.
//!
//! ```text
//!   node.rs        calls from JavaScript     statement.rs  run, get, all, step     values.rs   values there and back
//!   connection.rs  open, exec, close         looks.rs      columns, parameters     failure.rs  what is thrown
//!   handle.rs      one call at a time        compiled.rs   how many are kept
//!   backup.rs      pages to another file     functions.rs  JavaScript that SQL calls
//! ```

mod backup;
mod compiled;
mod connection;
mod failure;
mod functions;
mod handle;
mod kept;
mod looks;
mod node;
mod statement;
mod values;

use node::{Call, Function, Result, Value};

/// The version of Node-API that is used, which every Node since 18 has.
const NODE_API: i32 = 8;

/// What JavaScript is given, by name. Handles come first, and what is bound comes last.
const FUNCTIONS: &[(&str, Function)] = &[
    ("build", build),
    // (path, readonly, create, timeout, changes) -> connection
    ("open", connection::open),
    ("close", connection::close),
    ("prepare", connection::prepare),
    ("exec", connection::exec),
    ("inTransaction", connection::in_transaction),
    ("defend", connection::defend),
    ("serialize", connection::serialize),
    // (connection, bytes, readonly)
    ("deserialize", connection::deserialize),
    // (connection, fn)
    ("trace", functions::trace),
    // (connection, name, arity, flags, bigints, fn), or (..., step, inverse, value, last) for an aggregate
    ("define", functions::define),
    // (connection, name, path) -> copy
    ("backup", backup::begin),
    // (copy, pages) -> result code, how many there are, how many are left, how long the connection waits for a lock
    ("copy", backup::copy),
    ("finish", backup::finish),
    ("reader", looks::reader),
    ("readonly", looks::readonly),
    ("parameters", looks::parameters),
    ("columns", looks::columns),
    // (statement, bigints, ...values) -> the row id that was last inserted
    ("run", statement::run),
    // (statement, bigints, make, remake, ...values)
    ("get", statement::get),
    ("all", statement::all),
    // (statement, ...values)
    ("begin", statement::begin),
    // (statement, bigints, make, remake)
    ("step", statement::step),
    ("leave", statement::leave),
];

/// The build that this addon is of: the SDK takes its own alone.
fn build(call: &Call<'_>) -> Result<Value> {
    values::text(call.env, env!("CARGO_PKG_VERSION").as_bytes())
}
