//! Why a plugin is asked to stop.
//!
//! Said by effects and by decisions, and so below both. Knows neither.

/// Why a plugin is asked to stop; the `reason` of `stop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// An operator ordered it down.
    Stop,
    /// An operator ordered a restart.
    Restart,
    /// Another version is installed.
    Update,
    /// Its manifest or settings changed.
    ManifestChanged,
    /// The supervisor ends.
    Shutdown,
    /// It is installed no longer.
    Removed,
}

impl StopReason {
    /// The stable word: `stop`, `restart`, `update`, `manifest-changed`, `shutdown` or `removed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Update => "update",
            Self::ManifestChanged => "manifest-changed",
            Self::Shutdown => "shutdown",
            Self::Removed => "removed",
        }
    }
}
