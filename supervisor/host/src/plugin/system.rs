//! Processes of the operating system, as actors get theirs.
//!
//! Made once by the host. Puts [`launch`] and the process layer behind the seam of [`super::launching`], and adds nothing.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outboard_lifecycle::Exit;

use super::launch::{LaunchOptions, Launched, LaunchedSocket, launch};
use super::launching::{Contained, LaunchFailure, Launcher, NewProcess, Socket, Wanted};
use crate::process::facts::{out_of_memory_kills, processor_time};
use crate::process::{Containment, ExitWatch, Label, Listener, Place, Remnants, Signal, Spawned, Spawner};
use crate::routes::Address;

/// Starts plugins' programs on this machine.
pub(crate) struct SystemLauncher {
    pub(crate) options: Arc<LaunchOptions>,
    pub(crate) spawner: Spawner,
}

impl Launcher for SystemLauncher {
    fn launch(&self, wanted: Wanted) -> BoxFuture<'static, Result<NewProcess, LaunchFailure>> {
        let Wanted { installed, settings, generation, note } = wanted;
        let (options, spawner) = (Arc::clone(&self.options), self.spawner.clone());
        let label = Label { plugin: installed.id().to_string(), generation: generation.0 };
        let slot = slot(&label);
        launch(installed, settings, options, spawner, label, slot, note)
            .map(|launched| launched.map(new_process))
            .boxed()
    }
}

/// A short name for a generation's socket: ids can be longer than a socket's path may be.
fn slot(label: &Label) -> String {
    let mut hasher = DefaultHasher::new();
    label.plugin.hash(&mut hasher);
    format!("{:012x}-{}", hasher.finish() & 0xffff_ffff_ffff, label.generation)
}

fn new_process(Launched { spawned, socket, limits }: Launched) -> NewProcess {
    let Spawned { exit, containment, wire_writer, wire_reader, stdout, stderr, .. } = spawned;
    NewProcess {
        wire_writer: Box::new(wire_writer),
        wire_reader: Box::new(wire_reader),
        stdout: stdout.map(|stdout| Box::new(stdout) as _),
        stderr: Box::new(stderr),
        containment: Arc::new(SystemProcess { exit, containment }),
        socket: Box::new(socket),
        limits,
    }
}

struct SystemProcess {
    exit: ExitWatch,
    containment: Containment,
}

impl Contained for SystemProcess {
    fn pid(&self) -> u32 {
        self.containment.pid().unsigned_abs()
    }
    fn exited(&self) -> BoxFuture<'_, Exit> {
        self.exit.exited().boxed()
    }
    fn exit(&self) -> Option<Exit> {
        self.containment.report()
    }
    fn terminate(&self) -> io::Result<()> {
        self.containment.signal_group(Signal::TERM)
    }
    fn kill_all(&self) -> BoxFuture<'_, ()> {
        self.containment.kill_all().boxed()
    }
    fn prove_empty(&self, limit: Duration) -> BoxFuture<'_, Result<(), Remnants>> {
        self.containment.prove_empty(limit).boxed()
    }
    fn is_empty(&self) -> bool {
        self.containment.is_empty()
    }
    fn is_debugged(&self) -> BoxFuture<'_, bool> {
        self.containment.is_debugged().boxed()
    }
    fn listening(&self) -> BoxFuture<'_, Vec<Place>> {
        self.containment.listening().boxed()
    }
    fn listener_at(&self, port: u16) -> BoxFuture<'_, io::Result<Listener>> {
        self.containment.listener_at(port).boxed()
    }
    fn processor_time(&self) -> Option<Duration> {
        processor_time(self.containment.pid())
    }
    fn memory_kills(&self) -> Option<u64> {
        out_of_memory_kills()
    }
}

impl Socket for LaunchedSocket {
    fn address(&self) -> Address {
        Self::address(self)
    }
    fn is_inherited(&self) -> bool {
        Self::is_inherited(self)
    }
    fn remove(self: Box<Self>) {
        Self::remove(*self);
    }
}
