//! Which protocol versions there are, and which one two parties speak.
//!
//! Called by the host at the handshake and by every Rust plugin. The protocol's version is independent of the product's:
//! it changes only when a word changes its meaning. New optional members and methods do not change it.

/// Every protocol version that this build speaks, oldest first.
pub const SUPPORTED: &[u32] = &[1];

/// The newest version that this build speaks.
pub const NEWEST: u32 = SUPPORTED[SUPPORTED.len() - 1];

/// No version is spoken by both sides.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no protocol version in common: Outboard speaks {}, the plugin speaks {}; upgrade {}", list(.host), list(.plugin), .upgrade)]
pub struct Incompatible {
    /// What the host speaks.
    pub host: Vec<u32>,
    /// What the plugin speaks.
    pub plugin: Vec<u32>,
    /// Which side is behind.
    pub upgrade: Side,
}

/// A side of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The supervisor.
    Host,
    /// The plugin, or the SDK that it was built with.
    Plugin,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Side::Host => "Outboard",
            Side::Plugin => "the plugin (or the SDK it was built with)",
        })
    }
}

/// The newest version that both lists hold.
///
/// # Errors
/// [`Incompatible`] with both lists and the side to upgrade, when they share none.
pub fn negotiate(host: &[u32], plugin: &[u32]) -> Result<u32, Incompatible> {
    host.iter().copied().filter(|version| plugin.contains(version)).max().ok_or_else(|| {
        let behind = if plugin.iter().max() > host.iter().max() { Side::Host } else { Side::Plugin };
        Incompatible { host: host.to_vec(), plugin: plugin.to_vec(), upgrade: behind }
    })
}

fn list(versions: &[u32]) -> String {
    match versions {
        [] => "none".to_owned(),
        some => some.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
    }
}
