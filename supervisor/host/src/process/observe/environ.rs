//! Reads the marker in a process's environment, on a thread that can be given up.
//!
//! Used by `contain::kinship` and `contain::sweep`, where nothing else tells whose a process is. The kernel takes an environment from
//! the process's own memory, and a process that hangs on a disk may keep that locked for as long as the disk hangs: whoever read it
//! himself would hang with it, and no plugin could be emptied any more. It must not judge what it reads.

use std::collections::HashSet;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::facts;

/// The variable that marks every process of one generation; its value names plugin, generation and supervisor.
pub const MARKER_VARIABLE: &str = "OUTBOARD_CONTAINMENT";

/// How long one read may take. It takes microseconds where the memory is free.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is known of a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::process) enum Marker {
    /// It was read: none, where the process has none or may not be looked into.
    Read(Option<String>),
    /// The process's memory does not answer.
    Hangs,
}

/// Whoever reads. One read at a time; a thread that hangs in one is left to it and replaced.
#[derive(Debug, Default)]
pub(in crate::process) struct Markers {
    thread: Option<Thread>,
    /// Processes whose environments did not answer. They are not asked again, so that each costs one thread at the most.
    hung: HashSet<(i32, u64)>,
}

type Answer = io::Result<Option<String>>;
type Read = fn(i32) -> Answer;

#[derive(Debug)]
struct Thread {
    ask: SyncSender<i32>,
    answers: Receiver<Answer>,
}

impl Markers {
    /// The marker of the process with this pid and start time.
    ///
    /// # Errors
    /// When the machine has no thread to give.
    pub(in crate::process) fn of(&mut self, pid: i32, start_time: u64) -> io::Result<Marker> {
        self.read(pid, start_time, |pid| facts::environment_value(pid, MARKER_VARIABLE))
    }

    fn read(&mut self, pid: i32, start_time: u64, by: Read) -> io::Result<Marker> {
        if self.hung.contains(&(pid, start_time)) {
            return Ok(Marker::Hangs);
        }
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => Thread::start(by)?,
        };
        // An answer of nobody means that reading it panicked, which says as little as one that does not come.
        let answer = thread.ask.send(pid).ok().and_then(|()| thread.answers.recv_timeout(PATIENCE).ok());
        let Some(answer) = answer else {
            self.hung.retain(|(pid, start_time)| facts::alive(*pid, *start_time));
            self.hung.insert((pid, start_time));
            return Ok(Marker::Hangs);
        };
        self.thread = Some(thread);
        answer.map(Marker::Read)
    }
}

impl Thread {
    /// It ends when nobody asks any more.
    fn start(by: Read) -> io::Result<Self> {
        let (ask, asked) = sync_channel::<i32>(1);
        // Room for the answer that nobody waits for any more.
        let (answer, answers) = sync_channel(1);
        let read = move || {
            while let Ok(pid) = asked.recv() {
                if answer.send(by(pid)).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("environ".to_owned()).spawn(read)?;
        Ok(Self { ask, answers })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use super::*;

    #[test]
    fn an_environment_that_does_not_answer_is_asked_once_and_the_others_go_on() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        const HANGS: i32 = 1;
        let by = |pid: i32| {
            if pid == HANGS {
                ASKED.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_secs(3600));
            }
            Ok(Some(pid.to_string()))
        };
        let began = Instant::now();
        let mut markers = Markers::default();
        let mut read = |pid| markers.read(pid, 0, by).unwrap_or(Marker::Hangs);
        assert_eq!(read(2), Marker::Read(Some("2".to_owned())));
        for _ in 0..3 {
            assert_eq!(read(HANGS), Marker::Hangs);
        }
        assert_eq!(read(3), Marker::Read(Some("3".to_owned())));
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
        assert!(began.elapsed() < Duration::from_secs(60));
    }
}
