//! How logs are kept, as the host says it when the context openss.
//!
//! Read by [`super::Logs`] and by the writer. Must not know where the options come from.

use outboard_protocol::context::logger::LogLevel;

use super::console::Console;

/// How logs are kept.
#[derive(Debug)]
pub struct LogOptions {
    /// The least level that is kept; below it records are dropped without a count. Also per plugin, at run time.
    pub level: LogLevel,
    /// How large a file grows before it is rotated, in bytes.
    pub file_max: u64,
    /// How many files a plugin has, the present one included. With `file_max` this is its cap on disk.
    pub files: u32,
    /// How many records a second one source may send, twice as many at once; what is beyond is dropped and counted. 0: no limit.
    pub rate: u32,
    /// A mirror for people.
    pub console: Option<Console>,
}

impl Default for LogOptions {
    /// 4 files of 4 MiB a plugin: a day of a talkative one, and half a gigabyte for thirty.
    fn default() -> Self {
        Self { level: LogLevel::Debug, file_max: 4 * 1024 * 1024, files: 4, rate: 20_000, console: None }
    }
}
