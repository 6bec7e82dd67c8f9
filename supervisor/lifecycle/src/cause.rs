//! Why a plugin is errored, as a word and as a sentence.
//!
//! Said by states, by what follows a stop, and by decisions, and so below all of them. Knows none of them.

/// Why a plugin is errored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Its start hook said no. That is an answer and no crash.
    StartRejected,
    /// It speaks no protocol version that this supervisor speaks.
    Incompatible,
    /// It ended unexpectedly more often than the restart policy allows.
    CrashLoop,
    /// Its program cannot be started at all.
    CannotSpawn,
    /// Something of its old process could not be ended.
    NotEmpty,
    /// The supervisor itself failed while it looked after this plugin.
    Internal,
}

impl Cause {
    /// The stable word: `start-rejected`, `incompatible`, `crash-loop`, `cannot-spawn`, `not-empty` or `internal`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartRejected => "start-rejected",
            Self::Incompatible => "incompatible",
            Self::CrashLoop => "crash-loop",
            Self::CannotSpawn => "cannot-spawn",
            Self::NotEmpty => "not-empty",
            Self::Internal => "internal",
        }
    }

    /// The cause of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::StartRejected,
            Self::Incompatible,
            Self::CrashLoop,
            Self::CannotSpawn,
            Self::NotEmpty,
            Self::Internal,
        ];
        all.into_iter().find(|cause| cause.name() == name)
    }

    /// Whether it is the plugin's own, so that it holds for another supervisor as well: files may mend it, and nothing else
    /// does by itself.
    #[must_use]
    pub const fn is_its_own(self) -> bool {
        matches!(self, Self::StartRejected | Self::Incompatible | Self::CrashLoop | Self::CannotSpawn)
    }

    /// Whether one failure was enough, because it would only repeat itself. The diagnosis then says all that happened.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::StartRejected | Self::Incompatible | Self::CannotSpawn)
    }

    /// What happened, unless it is a refusal, and what to do; without a full stop.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::StartRejected | Self::Incompatible => "correct that, then start it again",
            Self::CrashLoop => "it ended unexpectedly too often; read its log, then start it again",
            Self::CannotSpawn => "correct the path or the file that is named, then start it again",
            Self::NotEmpty => {
                "something of its old process could not be ended; end it, then start the plugin again"
            }
            Self::Internal => {
                "the supervisor failed while it looked after this plugin; please report it, then start it"
            }
        }
    }
}
