//! Looks at files that somebody else may have put there.
//!
//! # Theory of operation
//!
//! Whatever lies in a folder may be something else than it should be: a named pipe that nobody writes to, a device that never
//! ends, a link to either, a file on a disk that does not answer. Two things keep that from hurting more than whoever it
//! belongs to:
//!
//! * [`open`], [`read`], [`read_text`] and [`beginning`] take plain files alone, never wait for one to be opened, and never read
//!   more than a cap. Everything that reads a file of somebody else's uses them; [`open_own`] is for what we write.
//! * [`look`] runs such work on a thread of its own, with a limit. A thread that hangs in the kernel cannot be ended, so it is
//!   given up: whoever asked gets an answer, the place that hangs is not looked at again until it answers, and the number of
//!   such threads is bounded. The thread that runs everything calls nothing of the file system itself.
//!
//! ```text
//!   asker ──look(place, limit, work)──▶ [ a bounded number at once ] ──▶ thread ──▶ the kernel
//!     ◀── the outcome, or Unanswered ──────── limit over ─────────────── given up, counted
//! ```
//!
//! Used by context, host, gateway and command line. It knows nothing of plugins.

mod looking;
mod plain;

pub use looking::{Looks, Unanswered, look, looks_of_scans};
pub use plain::{beginning, open, open_own, read, read_text, test_plain};
