//! The bytes of a client's connection before hyper reads them and after it has written them.
//!
//! ```text
//!            ┌─ framing ─ head, chunks   what two parsers could read in two ways is found here; what it is: fault
//!  socket ── stream ────────────────── hyper
//!            └─ outgoing                 what hyper cannot send: interim answers, trailers that nobody announced
//!  socket ── closing                     after hyper: the refusal of a head, and an end that the client gets to read
//! ```
//!
//! [`signals`] is what the front door and the socket tell each other. Must not know routes or plugins.

pub(crate) mod chunks;
pub(crate) mod closing;
pub(crate) mod fault;
pub(crate) mod framing;
pub(crate) mod head;
mod limits;
pub(crate) mod outgoing;
pub(crate) mod signals;
pub(crate) mod stream;
