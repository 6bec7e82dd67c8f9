//! What ctx.* does: one file a namespace.
