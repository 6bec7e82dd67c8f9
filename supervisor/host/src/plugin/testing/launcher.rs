//! Starts processes in memory, and is what their owner holds of them.
//!
//! Stands in for the spawner. What a process does is told by its [`Nature`]; this file must not know what is said to it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outboard_lifecycle::Exit;
use outboard_protocol::PluginId;
use tokio::time::{Instant, sleep, timeout};

use super::super::launching::{Contained, LaunchFailure, Launcher, NewProcess, Socket, Wanted};
use super::nature::{Nature, Spawns};
use super::process::{FakeProcess, Happened};
use super::program::{self, Pipes};
use crate::process::{Label, Limits, Listener, Place, Remnant, Remnants};
use crate::routes::Address;

/// How long the next launch waits for a process that its owner has dropped, as the spawner does.
const VACATED_WITHIN: Duration = Duration::from_secs(2);
const TERMINATED: Exit = Exit::Signal { number: 15, name: "SIGTERM", core_dumped: false };

/// Whoever holds it answers for the process.
struct Hold(Arc<FakeProcess>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

impl Contained for Hold {
    fn pid(&self) -> u32 {
        self.0.pid
    }

    fn exited(&self) -> BoxFuture<'_, Exit> {
        self.0.ended().boxed()
    }

    fn exit(&self) -> Option<Exit> {
        self.0.exit()
    }

    fn terminate(&self) -> io::Result<()> {
        assert!(!self.0.nature().panics_on_terminate, "a bug in the actor");
        self.0.note(Happened::Terminated);
        self.0.ends(self.0.nature().terminates.filter(|_| !self.0.is_traced()), TERMINATED);
        Ok(())
    }

    fn kill_all(&self) -> BoxFuture<'_, ()> {
        async { self.0.kill() }.boxed()
    }

    fn prove_empty(&self, limit: Duration) -> BoxFuture<'_, Result<(), Remnants>> {
        let look = async move {
            self.0.kill();
            let left = |living: Vec<Remnant>, unseen: Option<String>| {
                let label = Label { plugin: self.0.plugin.to_string(), generation: self.0.generation };
                Err(Remnants { label, living, unseen })
            };
            if self.0.cannot_be_seen() {
                return left(Vec::new(), Some("no descriptors".to_owned()));
            }
            if timeout(limit, self.0.all_ended()).await.is_err() {
                let (pid, start_time) = (self.0.pid.cast_signed(), 1);
                return left(vec![Remnant { pid, start_time, command: String::new() }], None);
            }
            self.0.empty();
            Ok(())
        };
        look.boxed()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn is_debugged(&self) -> BoxFuture<'_, bool> {
        async { self.0.is_traced() && self.0.exit().is_none() }.boxed()
    }

    fn listening(&self) -> BoxFuture<'_, Vec<Place>> {
        async { Vec::new() }.boxed()
    }

    fn listener_at(&self, _: u16) -> BoxFuture<'_, io::Result<Listener>> {
        async { Ok(Listener::Absent) }.boxed()
    }

    fn processor_time(&self) -> Option<Duration> {
        None
    }

    fn memory_kills(&self) -> Option<u64> {
        None
    }
}

struct FakeSocket(Arc<FakeProcess>);

impl Socket for FakeSocket {
    fn address(&self) -> Address {
        Address::Socket(format!("/nowhere/s/{}", self.0.generation).into())
    }

    fn is_inherited(&self) -> bool {
        true
    }

    fn remove(self: Box<Self>) {
        drop(self);
    }
}

impl Drop for FakeSocket {
    fn drop(&mut self) {
        self.0.remove_socket();
    }
}

type Plan = Box<dyn FnMut(&PluginId, u64) -> Nature + Send>;

/// Starts processes in memory.
pub(crate) struct FakeLauncher {
    plan: Mutex<Plan>,
    processes: Arc<Mutex<Vec<Arc<FakeProcess>>>>,
    asked: Mutex<u64>,
}

impl FakeLauncher {
    pub(super) fn new(plan: impl FnMut(&PluginId, u64) -> Nature + Send + 'static) -> Self {
        Self { plan: Mutex::new(Box::new(plan)), processes: Arc::default(), asked: Mutex::new(0) }
    }

    /// All processes that there ever were, in order.
    pub(crate) fn processes(&self) -> Vec<Arc<FakeProcess>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at all processes, in order.
    pub(crate) fn each(&self, look: impl FnMut(&Arc<FakeProcess>)) {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(look);
    }

    /// One process.
    pub(crate) fn find(&self, generation: u64, plugin: &str) -> Option<Arc<FakeProcess>> {
        let processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        let found =
            processes.iter().rev().find(|one| one.generation == generation && one.plugin.as_str() == plugin);
        found.cloned()
    }

    /// The latest process.
    pub(crate) fn latest(&self) -> Arc<FakeProcess> {
        self.processes().pop().expect("no process was started")
    }

    /// How often a process was wanted.
    pub(crate) fn asked(&self) -> u64 {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Launcher for FakeLauncher {
    fn launch(&self, wanted: Wanted) -> BoxFuture<'static, Result<NewProcess, LaunchFailure>> {
        let nth = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            *asked += 1;
            *asked
        };
        let nature = (self.plan.lock().unwrap_or_else(PoisonError::into_inner))(wanted.installed.id(), nth);
        let processes = Arc::clone(&self.processes);
        // Processes in memory need no place on a disk.
        let Wanted { installed, generation, .. } = wanted;
        let id = installed.id().clone();
        assert!(nature.spawns != Spawns::Panics, "a bug in the launch");
        let launch = async move {
            sleep(nature.spawn / 2).await;
            if let Spawns::No { transient } = nature.spawns {
                return Err(LaunchFailure { why: "it is missing".to_owned(), transient });
            }
            vacate(&processes, &id).await?;
            let rest = nature.spawn / 2;
            let process = FakeProcess::new(id, generation.0, 1000 + u32::try_from(nth).unwrap_or(0), nature);
            {
                let mut all = processes.lock().unwrap_or_else(PoisonError::into_inner);
                all.push(Arc::clone(&process));
            }
            // Dropped from here on, the launch leaves a process that is killed.
            let hold = Hold(Arc::clone(&process));
            let socket = FakeSocket(Arc::clone(&process));
            sleep(rest).await;
            Ok(begin(process, hold, socket))
        };
        launch.boxed()
    }
}

/// One that its owner has dropped is ended first; with one that has an owner, this one may not be.
async fn vacate(processes: &Mutex<Vec<Arc<FakeProcess>>>, plugin: &PluginId) -> Result<(), LaunchFailure> {
    let all = processes.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let deadline = Instant::now() + VACATED_WITHIN;
    for earlier in all.iter().filter(|earlier| earlier.plugin == *plugin && !earlier.is_empty()) {
        assert!(!earlier.is_owned(), "a second process is wanted while {} has an owner", earlier.generation);
        while earlier.lives() {
            if Instant::now() >= deadline {
                return Err(LaunchFailure {
                    why: "the one before would not go".to_owned(),
                    transient: false,
                });
            }
            sleep(Duration::from_millis(5)).await;
        }
        earlier.vacated();
    }
    Ok(())
}

fn begin(process: Arc<FakeProcess>, hold: Hold, socket: FakeSocket) -> NewProcess {
    const PIPE: usize = 64 * 1024;
    let (wire_writer, input) = tokio::io::duplex(PIPE);
    let (wire_reader, output) = tokio::io::duplex(PIPE);
    let (stderr, errors) = tokio::io::duplex(PIPE);
    if let Some((after, exit)) = process.nature().ends {
        process.ends(Some(after), exit);
    }
    tokio::spawn(program::run(process, Pipes { input, output, errors }));
    NewProcess {
        wire_writer: Box::new(wire_writer),
        wire_reader: Box::new(wire_reader),
        stdout: None,
        stderr: Box::new(stderr),
        containment: Arc::new(hold),
        socket: Box::new(socket),
        limits: Limits::default(),
    }
}
