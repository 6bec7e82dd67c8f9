//! A process that is none: it lives in memory, ends when its nature or the test says so, and remembers what was done to it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outboard_lifecycle::Exit;
use outboard_protocol::PluginId;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::super::launching::{Contained, LaunchFailure, Launcher, NewProcess, Socket, Wanted};
use super::nature::{Nature, Spawns};
use super::program::{self, Pipes};
use crate::process::{Label, Limits, Listener, Place, Remnant, Remnants};
use crate::routes::Address;

/// How long the next launch waits for a process that its owner has dropped, as the spawner does.
const VACATED_WITHIN: Duration = Duration::from_secs(2);
const KILLED: Exit = Exit::Signal { number: 9, name: "SIGKILL", core_dumped: false };
const TERMINATED: Exit = Exit::Signal { number: 15, name: "SIGTERM", core_dumped: false };

/// What was done to a process, or what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It was sent this message.
    Told(String),
    /// Its standard input ended.
    InputEnded,
    /// It got SIGTERM.
    Terminated,
    /// It got SIGKILL.
    Killed,
    /// It ended.
    Ended(Exit),
    /// Nothing of it is left, and that was seen.
    Emptied,
    /// Its socket was removed.
    SocketRemoved,
}

#[derive(Debug)]
struct Body {
    exit: Option<Exit>,
    grandchildren: u32,
    killed: bool,
    empty: bool,
    owned: bool,
    socket: bool,
    unseen: u32,
    traced: bool,
    happened: Vec<(Instant, Happened)>,
}

/// One process.
#[derive(Debug)]
pub(crate) struct FakeProcess {
    pub(crate) plugin: PluginId,
    pub(crate) generation: u64,
    pub(crate) pid: u32,
    nature: Nature,
    body: Mutex<Body>,
    /// Wakes those that wait in the order in which they came, as `watch` does not: a world of one seed is the same twice.
    changed: Notify,
}

impl FakeProcess {
    fn new(plugin: PluginId, generation: u64, pid: u32, nature: Nature) -> Arc<Self> {
        let body = Body {
            exit: None,
            grandchildren: nature.grandchildren,
            killed: false,
            empty: false,
            owned: true,
            socket: true,
            unseen: nature.unseen,
            traced: nature.traced,
            happened: Vec::new(),
        };
        Arc::new(Self { plugin, generation, pid, nature, body: Mutex::new(body), changed: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Body> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, happened: Happened) {
        self.lock().happened.push((Instant::now(), happened));
    }

    /// All that happened, in order.
    pub(crate) fn happened(&self) -> Vec<Happened> {
        self.lock().happened.iter().map(|(_, happened)| happened.clone()).collect()
    }

    /// When this happened first.
    pub(crate) fn when(&self, what: &Happened) -> Option<Instant> {
        self.lock().happened.iter().find(|(_, happened)| happened == what).map(|(at, _)| *at)
    }

    /// Whether it, or anything that it started, lives.
    pub(crate) fn lives(&self) -> bool {
        let body = self.lock();
        body.exit.is_none() || body.grandchildren > 0
    }

    /// Whether it was proved gone.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().empty
    }

    /// Whether its socket is still there.
    pub(crate) fn has_socket(&self) -> bool {
        self.lock().socket
    }

    /// Whether a debugger holds it.
    pub(super) fn is_traced(&self) -> bool {
        self.lock().traced
    }

    /// The debugger lets go of it.
    pub(crate) fn untrace(&self) {
        self.lock().traced = false;
    }

    /// What it is like.
    pub(crate) fn nature(&self) -> &Nature {
        &self.nature
    }

    /// Whether somebody answers for it.
    pub(crate) fn is_owned(&self) -> bool {
        self.lock().owned
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        self.lock().exit
    }

    /// It ends now, in this way; once.
    pub(crate) fn end(&self, exit: Exit) {
        let mut body = self.lock();
        if body.exit.is_some() {
            return;
        }
        body.exit = Some(exit);
        body.happened.push((Instant::now(), Happened::Ended(exit)));
        drop(body);
        self.changed.notify_waiters();
    }

    /// It ends after a time, where there is one.
    pub(super) fn ends(self: &Arc<Self>, after: Option<Duration>, exit: Exit) {
        if let Some(after) = after {
            let process = Arc::clone(self);
            tokio::spawn(async move {
                sleep(after).await;
                process.end(exit);
            });
        }
    }

    pub(super) async fn ended(&self) -> Exit {
        self.until(|body| body.exit).await
    }

    /// Resolves when all that it started has ended as well.
    pub(super) async fn all_ended(&self) {
        self.until(|body| (body.exit.is_some() && body.grandchildren == 0).then_some(())).await;
    }

    async fn until<T>(&self, wanted: impl Fn(&Body) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From before the look on, nothing is missed.
            changed.as_mut().enable();
            if let Some(found) = wanted(&self.lock()) {
                return found;
            }
            changed.await;
        }
    }

    /// One look that cannot be made is counted off.
    fn cannot_be_seen(&self) -> bool {
        let mut body = self.lock();
        let unseen = body.unseen > 0;
        body.unseen = body.unseen.saturating_sub(1);
        unseen
    }

    /// Nothing of it is left, and that was seen.
    fn empty(&self) {
        let mut body = self.lock();
        if !std::mem::replace(&mut body.empty, true) {
            body.happened.push((Instant::now(), Happened::Emptied));
        }
    }

    fn kill(self: &Arc<Self>) {
        let mut body = self.lock();
        if std::mem::replace(&mut body.killed, true) {
            return;
        }
        body.happened.push((Instant::now(), Happened::Killed));
        drop(body);
        if let Some(dies) = self.nature.dies {
            let process = Arc::clone(self);
            tokio::spawn(async move {
                sleep(dies).await;
                process.lock().grandchildren = 0;
                process.end(KILLED);
                process.changed.notify_waiters();
            });
        }
    }
}

/// Whoever holds it answers for the process.
struct Hold(Arc<FakeProcess>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.lock().owned = false;
        if !self.0.is_empty() {
            self.0.kill();
        }
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
        assert!(!self.0.nature.panics_on_terminate, "a bug in the actor");
        self.0.note(Happened::Terminated);
        self.0.ends(self.0.nature.terminates.filter(|_| !self.0.is_traced()), TERMINATED);
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
        if std::mem::take(&mut self.0.lock().socket) {
            self.0.note(Happened::SocketRemoved);
        }
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
        // There is no folder to be told of.
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
        earlier.lock().empty = true;
    }
    Ok(())
}

fn begin(process: Arc<FakeProcess>, hold: Hold, socket: FakeSocket) -> NewProcess {
    const PIPE: usize = 64 * 1024;
    let (wire_writer, input) = tokio::io::duplex(PIPE);
    let (wire_reader, output) = tokio::io::duplex(PIPE);
    let (stderr, errors) = tokio::io::duplex(PIPE);
    if let Some((after, exit)) = process.nature.ends {
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
