//! Whose a process is, and its end: what is contained is signalled together, killed together, and proved gone.

pub(super) mod census;
pub(super) mod containment;
mod debugger;
pub mod keeper;
mod kill;
mod kinship;
pub(super) mod ledger;
pub(super) mod listening;
pub mod orphans;
pub(super) mod port_owner;
mod sighting;
pub(super) mod sweep;
