//! The bytes of a client's connection before hyper reads them: what two parsers could read in two ways is found here.
//!
//! [`framing`] watches, [`chunks`] knows the chunked coding (the proxy reads a plugin's answers with it as well), and
//! [`stream`] puts the watch and the timeouts around a socket. Must not know routes or plugins.

pub(crate) mod chunks;
pub(crate) mod framing;
pub(crate) mod stream;
