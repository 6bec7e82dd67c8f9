//! Futures whose types are forgotten, for the author's functions, of which there are many in one table.
//!
//! Used by the hooks, the channels and the dispatcher. Must not know what is awaited.

use std::pin::Pin;

/// A future on the heap, as hooks and handlers are kept.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
