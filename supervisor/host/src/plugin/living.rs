//! What exists while a process of a plugin lives, and only then: the process, the conversation, the socket, the streams.
//!
//! Made by the actor when a process was spawned, dropped when its containment was proved empty. Dropped early, as in a
//! panic, it takes the process with it.

use std::sync::Arc;
use std::time::Duration;

use outboard_context::ProcessIdentity;
use outboard_lifecycle::Generation;
use outboard_protocol::control::LogSource;
use outboard_protocol::handshake::InitializeResult;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::context::Answers;
use super::elsewhere::Expected;
use super::launching::{Contained, NewProcess, Socket};
use super::output::{Printer, drain};
use super::reach::Reach;
use super::settings::PluginSettings;
use super::shared::Shared;
use super::stopping::StopCall;
use super::unaware::{Unaware, WIRE_BUFFER};
use super::{advice, elsewhere, providing, trace};
use crate::discovery::Installed;
use crate::process::{Exit, Limits};
use crate::routes::{Address, Route, Upstream};
use crate::session::Session;

/// What a UI's or an operator's call needs of a running generation.
pub(crate) struct Link {
    pub(crate) session: Session,
    pub(crate) context: Arc<dyn Answers>,
}

/// One generation of a plugin while it lives.
pub(super) struct Living {
    pub(super) generation: Generation,
    pub(super) pid: u32,
    pub(super) spawned_at: Instant,
    pub(super) containment: Arc<dyn Contained>,
    pub(super) session: Session,
    pub(super) context: Arc<dyn Answers>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) printer: Printer,
    pub(super) initialized: Option<InitializeResult>,
    pub(super) ended: Option<Ended>,
    pub(super) stop: StopCall,
    /// How many processes the kernel had killed for lack of memory when this one was spawned.
    memory_kills: Option<u64>,
    /// Those that it was started with.
    pub(super) limits: Limits,
    pub(super) route: Arc<Route>,
    socket: Option<Box<dyn Socket>>,
    finish: watch::Sender<bool>,
    /// Reader, writer and the drains of the output streams.
    tasks: JoinSet<()>,
}

/// How a process ended, as it was seen at that moment. No report: it has not, for all that is known.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) report: Option<Exit>,
    pub(super) in_flight: Vec<String>,
    pub(super) at: Instant,
    /// What it had used of the processor.
    pub(super) processor_time: Option<Duration>,
    /// Whether the kernel killed processes for lack of memory while this one lived.
    memory_ran_out: bool,
}

impl Ended {
    /// How it ended by itself, in words.
    pub(super) fn by_itself(&self) -> String {
        match self.report {
            Some(report @ Exit::Signal { number: SIGKILL, .. }) if self.memory_ran_out => {
                format!("{report}, probably by the kernel, since the machine had run out of memory")
            }
            _ => self.by_force(),
        }
    }

    /// How it ended, in words, where that was our doing.
    pub(super) fn by_force(&self) -> String {
        self.report.map_or_else(|| "has not ended".to_owned(), |report| report.to_string())
    }
}

/// The signal by which the kernel ends whom it takes memory from.
const SIGKILL: i32 = 9;

impl Living {
    /// Begins the conversation with a process that was just started.
    pub(super) fn new(
        launched: NewProcess,
        installed: &Installed,
        settings: &PluginSettings,
        shared: &Shared,
        generation: Generation,
    ) -> Self {
        // The tasks of the conversation take it along.
        let _within = trace::of_generation(installed.id(), generation).entered();
        let NewProcess { wire_writer, wire_reader, stdout, stderr, containment, socket, limits } = launched;
        let context = shared.context.for_process(ProcessIdentity {
            id: installed.id().clone(),
            generation: generation.0,
            data_dir: shared.launch.plugin_data_dir(installed),
            settings: installed.manifest.available_settings.clone().into(),
        });
        let printer = Printer::new(Arc::clone(&shared.context), installed.id().clone(), generation.0);
        let finish = watch::Sender::new(false);
        let memory_kills = containment.memory_kills();
        let mut tasks = JoinSet::new();
        let calls = Arc::clone(&context) as Arc<dyn crate::session::ContextCalls>;
        let noise = Arc::new(printer.clone());
        let session = if installed.manifest.speaks_the_protocol() {
            Session::open(
                wire_reader,
                wire_writer,
                calls,
                Arc::clone(&noise) as _,
                &settings.session,
                &mut tasks,
            )
        } else {
            let unaware = Unaware {
                server: reach(&*socket, &containment),
                health: installed.manifest.http.health.clone(),
                terminate: terminate(&containment),
                noise: Arc::clone(&noise) as Arc<dyn crate::session::NoiseSink>,
            };
            let (near, far) = tokio::io::duplex(WIRE_BUFFER);
            tasks.spawn(unaware.speak(far, finish.subscribe()));
            let (reader, writer) = tokio::io::split(near);
            Session::open(reader, writer, calls, Arc::clone(&noise) as _, &settings.session, &mut tasks)
        };
        if installed.manifest.speaks_the_protocol() {
            tasks.spawn(providing::hear(context.consumer(), session.clone()));
        }
        let route = shared.routes.add(installed.id());
        route.note(None);
        let serves = !installed.manifest.speaks_the_protocol() || !socket.is_inherited();
        if serves {
            let expected = Expected { address: socket.address(), inherited: socket.is_inherited() };
            let noise = Arc::clone(&noise) as Arc<dyn crate::session::NoiseSink>;
            let watching = elsewhere::watch(expected, Arc::clone(&containment), Arc::clone(&route), noise);
            let mut finished = finish.subscribe();
            tasks.spawn(async move {
                tokio::select! {
                    () = watching => {}
                    _ = finished.wait_for(|finished| *finished) => {}
                }
            });
        }
        tasks.spawn(drain(stderr, LogSource::Stderr, printer.clone(), finish.subscribe()));
        if let Some(stdout) = stdout {
            tasks.spawn(drain(stdout, LogSource::Stdout, printer.clone(), finish.subscribe()));
        }
        Self {
            generation,
            pid: containment.pid(),
            spawned_at: Instant::now(),
            containment,
            session,
            context,
            upstream: Upstream::new(
                generation.0,
                socket.address(),
                socket.is_inherited(),
                advice::on_silence(&installed.manifest),
            ),
            printer,
            initialized: None,
            ended: None,
            stop: StopCall::default(),
            memory_kills,
            limits,
            route,
            socket: Some(socket),
            finish,
            tasks,
        }
    }

    /// The process has ended: its output is read to the end of what it left. The tasks are handed over to be awaited.
    pub(super) fn finish(&mut self, report: Exit) -> JoinSet<()> {
        self.ended = Some(Ended { report: Some(report), ..self.as_it_is() });
        self.session.finish();
        self.finish.send_replace(true);
        std::mem::take(&mut self.tasks)
    }

    /// What can be said of its end before its end was told: the proof that nothing is left of it may be faster.
    pub(super) fn as_it_is(&self) -> Ended {
        Ended {
            report: self.containment.exit(),
            in_flight: self.session.in_flight(),
            at: Instant::now(),
            processor_time: self.containment.processor_time(),
            memory_ran_out: self.containment.memory_kills() > self.memory_kills,
        }
    }

    pub(super) fn link(&self) -> Arc<Link> {
        Arc::new(Link { session: self.session.clone(), context: Arc::clone(&self.context) })
    }

    pub(super) fn remove_socket(&mut self) {
        if let Some(socket) = self.socket.take() {
            socket.remove();
        }
    }
}

fn reach(socket: &dyn Socket, containment: &Arc<dyn Contained>) -> Reach {
    match socket.address() {
        Address::Socket(path) => Reach::Socket(path),
        Address::Port(port) => Reach::port(port, containment),
    }
}

fn terminate(containment: &Arc<dyn Contained>) -> Box<dyn Fn() + Send + Sync> {
    let containment = Arc::clone(containment);
    Box::new(move || {
        // A process that is gone needs no signal.
        let _ = containment.terminate();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_memory_is_named_where_the_kernel_may_have_killed_for_it_and_nowhere_else() {
        let ended = |report, memory_ran_out| {
            let report = Some(report);
            Ended { report, in_flight: Vec::new(), at: Instant::now(), processor_time: None, memory_ran_out }
                .by_itself()
        };
        let signal = |number, name| Exit::Signal { number, name, core_dumped: false };
        assert!(ended(signal(9, "SIGKILL"), true).contains("run out of memory"));
        assert_eq!(ended(signal(9, "SIGKILL"), false), "was killed by SIGKILL (9)");
        assert_eq!(ended(signal(15, "SIGTERM"), true), "was killed by SIGTERM (15)");
        assert_eq!(ended(Exit::Code(1), true), "exited with code 1");
    }
}
