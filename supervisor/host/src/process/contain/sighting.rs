//! A process as it was at one look.

use crate::process::observe::facts::Stat;

/// A process that was looked at.
#[derive(Clone, Debug)]
pub(in crate::process) struct Sighting {
    pub(in crate::process) pid: i32,
    pub(in crate::process) stat: Stat,
    /// A child of the supervisor, which alone can reap it.
    pub(in crate::process) is_child: bool,
}
