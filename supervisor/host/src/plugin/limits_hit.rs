//! Which of its limits a process ran into, as far as its end shows it. Two of them the kernel tells by a signal; the others fail a call
//! of the program's, and what it makes of that is its own affair: there its last words are evidence and no proof, and are told as such.
//!
//! Asked when the end of a process is recorded. Knows the limits that were set and how the process ended; decides nothing.

use std::time::Duration;

use crate::process::{CPU_GRACE_SECONDS, Exit, Limits};

const SIGABRT: i32 = 6;
const SIGBUS: i32 = 7;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGTRAP: i32 = 5;
const SIGILL: i32 = 4;
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

/// Signals by which programs end themselves, or are ended, that got no memory and did not expect it.
const WITHOUT_MEMORY: [i32; 5] = [SIGABRT, SIGBUS, SIGSEGV, SIGTRAP, SIGILL];

/// What programs in the usual languages say about a call that failed for a limit, in lower case.
const MEMORY_WORDS: [&str; 8] = [
    "enomem",
    "cannot allocate memory",
    "out of memory",
    "memoryerror",
    "outofmemory",
    "bad_alloc",
    "memory allocation of",
    "array buffer allocation failed",
];
const DESCRIPTOR_WORDS: [&str; 3] = ["emfile", "too many open files", "no file descriptors available"];
const PROCESS_WORDS: [&str; 6] = [
    "eagain",
    "resource temporarily unavailable",
    "can't start new thread",
    "unable to create native thread",
    "failed to spawn thread",
    "pthread_create",
];
const FILE_WORDS: [&str; 2] = ["efbig", "file too large"];

/// The end of one process, beside the limits that it had.
pub(super) struct End<'a> {
    pub(super) limits: &'a Limits,
    pub(super) report: Option<Exit>,
    /// What it used of the processor, where the kernel still said it.
    pub(super) processor_time: Option<Duration>,
    /// Its last lines on standard error, and what its failure says.
    pub(super) said: &'a [String],
}

impl End<'_> {
    /// The limit that ended it, where that is certain: the rest of a sentence about how it ended.
    pub(super) fn proved(&self) -> Option<String> {
        let signal = self.report?.signal()?;
        match (signal, self.limits.cpu_seconds, self.limits.file_size) {
            (SIGXCPU, Some(limit), _) => Some(format!(
                "since it had used the {limit} s of processor time that `limits.cpuSeconds` allows it"
            )),
            // It took no notice of SIGXCPU, or handled it.
            (SIGKILL, Some(limit), _) if self.used() >= Duration::from_secs(limit + CPU_GRACE_SECONDS) => {
                Some(format!(
                    "since it went on for {CPU_GRACE_SECONDS} s after the {limit} s of processor time that `limits.cpuSeconds` allows it"
                ))
            }
            (SIGXFSZ, _, Some(limit)) => Some(format!(
                "since it wrote past the {} that `limits.fileSize` allows one file",
                amount("fileSize", limit)
            )),
            _ => None,
        }
    }

    /// The limit that it may have run into, and what to do: a sentence.
    pub(super) fn suspected(&self) -> Option<String> {
        if self.proved().is_some() {
            return None;
        }
        let signal = self.report.and_then(|report| report.signal());
        let limits = [
            ("memory", self.limits.address_space, &MEMORY_WORDS[..], WITHOUT_MEMORY.as_slice()),
            ("openFiles", self.limits.open_files, &DESCRIPTOR_WORDS, &[]),
            ("processes", self.limits.processes, &PROCESS_WORDS, &[]),
            ("fileSize", self.limits.file_size, &FILE_WORDS, &[]),
        ];
        let set = || {
            limits.iter().filter_map(|(name, limit, words, signals)| Some((name, (*limit)?, words, signals)))
        };
        if let Some((name, limit, line)) =
            set().find_map(|(name, limit, words, _)| Some((name, limit, self.line_with(words)?)))
        {
            return Some(format!(
                "it may have reached `limits.{name}` ({}), as one of its last lines says: {line:?}; raise it in plugin.json or in the settings if it needs more",
                amount(name, limit)
            ));
        }
        let (name, limit, ..) =
            set().find(|(_, _, _, signals)| signal.is_some_and(|signal| signals.contains(&signal)))?;
        Some(format!(
            "it may have reached `limits.{name}` ({}): a program that gets no more often ends like this; raise it in plugin.json or in the settings if it needs more",
            amount(name, limit)
        ))
    }

    /// The kernel ends a process by the ticks that it was seen in, and shows what it really used: on a busy machine that is less.
    fn used(&self) -> Duration {
        self.processor_time.map_or(Duration::ZERO, |used| used * 4 / 3)
    }

    fn line_with(&self, words: &[&str]) -> Option<&str> {
        const SHOWN: usize = 160;
        let line = self.said.iter().rev().find(|line| {
            let line = line.to_lowercase();
            words.iter().any(|word| line.contains(word))
        })?;
        Some(line.char_indices().nth(SHOWN).map_or(line.as_str(), |(at, _)| &line[..at]))
    }
}

/// A limit as people write it: sizes with their unit where they are whole.
fn amount(name: &str, limit: u64) -> String {
    const MIB: u64 = 1 << 20;
    match name {
        "memory" | "fileSize" if limit >= MIB && limit.is_multiple_of(MIB) => format!("{} MiB", limit / MIB),
        "memory" | "fileSize" => format!("{limit} bytes"),
        _ => limit.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Limits = Limits {
        address_space: Some(300 << 20),
        processes: Some(8),
        open_files: Some(64),
        file_size: Some(4096),
        core_size: Some(0),
        cpu_seconds: Some(1),
    };

    fn end<'a>(limits: &'a Limits, number: i32, seconds: u64, said: &'a [String]) -> End<'a> {
        let report = if number == 0 {
            Exit::Code(1)
        } else {
            Exit::Signal { number, name: "SIG", core_dumped: false }
        };
        End { limits, report: Some(report), processor_time: Some(Duration::from_secs(seconds)), said }
    }

    #[test]
    fn a_limit_that_the_kernel_tells_by_a_signal_is_named_for_certain() {
        for (number, seconds, name) in [
            (SIGXCPU, 1, "limits.cpuSeconds"),
            (SIGKILL, 3, "limits.cpuSeconds"),
            (SIGXFSZ, 0, "limits.fileSize"),
        ] {
            let end = end(&ALL, number, seconds, &[]);
            assert!(end.proved().is_some_and(|told| told.contains(name)), "{number}");
            assert_eq!(end.suspected(), None, "{number}");
        }
        assert_eq!(end(&ALL, SIGKILL, 2, &[]).proved(), None, "killed by somebody else");
        for number in [SIGXCPU, SIGKILL, SIGXFSZ] {
            assert_eq!(end(&Limits::default(), number, 9, &[]).proved(), None, "nobody set that limit");
        }
    }

    #[test]
    fn words_on_standard_error_make_a_limit_suspect_where_it_is_set_and_nowhere_else() {
        for (line, name) in [
            ("MemoryError", "memory"),
            ("memory allocation of 16777216 bytes failed", "memory"),
            ("Error: EMFILE: too many open files, open 'x'", "openFiles"),
            ("bash: fork: retry: Resource temporarily unavailable", "processes"),
            ("RuntimeError: can't start new thread", "processes"),
            ("OSError: [Errno 27] File too large", "fileSize"),
        ] {
            let said = [line.to_owned(), "and then it ended".to_owned()];
            let told = end(&ALL, 0, 0, &said).suspected().unwrap_or_default();
            assert!(
                told.contains(&format!("may have reached `limits.{name}`")) && told.contains(line),
                "{told}"
            );
            assert_eq!(end(&Limits::default(), 0, 0, &said).suspected(), None, "{line}");
        }
    }

    #[test]
    fn a_program_that_aborts_without_a_word_makes_its_limit_of_memory_suspect() {
        assert!(end(&ALL, SIGABRT, 0, &[]).suspected().is_some_and(|told| told.contains("`limits.memory`")));
        assert_eq!(end(&ALL, 0, 0, &[]).suspected(), None, "an ordinary exit says nothing");
        assert_eq!(end(&ALL, SIGKILL, 0, &[]).suspected(), None, "somebody killed it");
    }
}
