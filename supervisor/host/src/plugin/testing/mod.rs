//! A plugin's surroundings in memory: fake processes, a context without a disk, and all of it by the test's clock.
//!
//! Used by the tests beside the actor, by those of the supervisor, and by the world under one seed. What a process is like is its
//! [`Nature`]; what became of it is seen in its [`FakeProcess`].

mod context;
mod launcher;
mod nature;
mod process;
mod program;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use outboard_lifecycle::{Lifecycle, Order, Policy};
use outboard_protocol::PluginId;
use outboard_protocol::control::{ExitRecord, PluginState};
use outboard_protocol::manifest;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) use context::FakeContext;
pub(crate) use launcher::FakeLauncher;
pub(crate) use nature::{Answer, Nature, Says, Spawns};
pub(crate) use process::{FakeProcess, Happened};

use super::history::History;
use super::living::Link;
use super::view::View;
use super::{Actor, LaunchOptions, PluginHandle, PluginSettings, Shared, Turns, order_channel};
use crate::discovery::{Installed, Program};
use crate::javascript;
use crate::routes::{Route, RouteState, Routes};

/// Longer than anything that is awaited takes by the test's clock.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(2 * 60 * 60);

/// Everything that actors share.
pub(crate) struct Stage {
    pub(crate) launcher: Arc<FakeLauncher>,
    pub(crate) context: Arc<FakeContext>,
    pub(crate) shared: Shared,
    /// Called after each turn that an actor's task has had.
    pub(crate) after_a_turn: Option<AfterATurn>,
}

pub(crate) type AfterATurn = Arc<dyn Fn(&Seen) + Send + Sync>;

/// What is seen of a plugin without a hold on its actor.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) view: watch::Receiver<Arc<View>>,
    pub(crate) link: watch::Receiver<Option<Arc<Link>>>,
    pub(crate) route: Arc<Route>,
}

impl Stage {
    /// Processes of one nature.
    pub(crate) fn new(nature: Nature) -> Self {
        Self::with(move |_, _| nature.clone())
    }

    /// Processes whose nature depends on which they are, counted from 1.
    pub(crate) fn with(nature: impl FnMut(&PluginId, u64) -> Nature + Send + 'static) -> Self {
        let launcher = Arc::new(FakeLauncher::new(nature));
        let context = Arc::new(FakeContext::default());
        let shared = Shared {
            context: Arc::clone(&context) as _,
            launcher: Arc::clone(&launcher) as _,
            routes: Arc::new(Routes::default()),
            events: broadcast::Sender::new(1024),
            launch: Arc::new(launch_options()),
            turns: Turns::new(),
        };
        Self { launcher, context, shared, after_a_turn: None }
    }

    /// An actor for a plugin that was never started.
    pub(crate) fn actor(&self, policy: Policy) -> Subject {
        self.actor_of("subject", policy)
    }

    /// The same, for one of several plugins.
    pub(crate) fn actor_of(&self, id: &str, policy: Policy) -> Subject {
        let machine = Lifecycle::new(policy.clone(), 7);
        self.run(id, machine, policy, Arc::default(), None)
    }

    /// The successor of an actor that failed.
    pub(crate) fn successor(&self, of: &Subject, fault: &str) -> Subject {
        let lost = of.handle.view.borrow().snapshot.clone();
        let machine = Lifecycle::succeeding(of.policy.clone(), 8, &lost);
        self.run(
            of.handle.id.as_str(),
            machine,
            of.policy.clone(),
            Arc::clone(&of.handle.history),
            Some(fault.to_owned()),
        )
    }

    fn run(
        &self,
        id: &str,
        machine: Lifecycle,
        policy: Policy,
        history: Arc<Mutex<History>>,
        fault: Option<String>,
    ) -> Subject {
        let installed = Arc::new(installed(id, "1.0.0"));
        let settings = Arc::new(PluginSettings { policy: policy.clone(), ..PluginSettings::default() });
        let actor = Actor::new(installed, settings, self.shared.clone(), machine, history);
        let (orders, inbox) = order_channel();
        let handle = actor.handle(orders);
        let subject =
            |handle, task| Subject { handle, task, policy, routes: Arc::clone(&self.shared.routes) };
        let mut run = Box::pin(actor.run(inbox, fault));
        let Some(after_a_turn) = self.after_a_turn.clone() else { return subject(handle, tokio::spawn(run)) };
        let route = self.shared.routes.find(id).expect("an actor has a route");
        let seen = Seen { view: handle.view.clone(), link: handle.link.clone(), route };
        let watched = std::future::poll_fn(move |cx| {
            let turn = run.as_mut().poll(cx);
            after_a_turn(&seen);
            turn
        });
        subject(handle, tokio::spawn(watched))
    }
}

/// A plugin with its actor.
pub(crate) struct Subject {
    pub(crate) handle: PluginHandle,
    pub(crate) task: JoinHandle<()>,
    pub(crate) policy: Policy,
    routes: Arc<Routes>,
}

impl Subject {
    /// Gives an order, which has to take effect without any time passing.
    pub(crate) async fn order(&self, order: Order) {
        let taken = timeout(Duration::from_millis(1), self.handle.order(order.clone(), None)).await;
        assert_eq!(taken, Ok(true), "{order:?} was not taken at once");
    }

    /// Waits until it is in a state.
    pub(crate) async fn until(&self, state: PluginState) -> Arc<View> {
        self.when(|view| view.status.state == state).await
    }

    /// Waits until what is shown of it is as wanted.
    pub(crate) async fn when(&self, wanted: impl Fn(&View) -> bool) -> Arc<View> {
        let mut view = self.handle.view.clone();
        let seen = timeout(FOR_EVER, view.wait_for(|view| wanted(view))).await;
        let Ok(Ok(seen)) = seen else { panic!("it stays {:?}", self.view().status) };
        Arc::clone(&seen)
    }

    pub(crate) fn seen(&self) -> Seen {
        let PluginHandle { view, link, .. } = &self.handle;
        Seen { view: view.clone(), link: link.clone(), route: self.route() }
    }

    pub(crate) fn view(&self) -> Arc<View> {
        Arc::clone(&self.handle.view.borrow())
    }

    pub(crate) fn route(&self) -> Arc<Route> {
        self.routes.find(self.handle.id.as_str()).expect("a plugin with an actor has a route")
    }

    /// Its route in one word, with the generation where it is open.
    pub(crate) fn routed(&self) -> String {
        match &*self.route().state() {
            RouteState::Open(upstream) => format!("open {}", upstream.generation()),
            RouteState::Waiting { .. } => "waiting".to_owned(),
            RouteState::Closed { .. } => "closed".to_owned(),
        }
    }

    /// The report on its last end.
    pub(crate) fn last(&self) -> ExitRecord {
        self.handle.history().into_iter().next().expect("no process has ended")
    }
}

/// A plugin that speaks the protocol, and runs a program that nobody looks for.
pub(crate) fn installed(id: &str, version: &str) -> Installed {
    let text = format!(
        r#"{{"id": "{id}", "name": "Subject", "version": "{version}", "run": {{"command": ["./it"]}}}}"#
    );
    let manifest = manifest::parse(text.as_bytes()).expect("a manifest");
    Installed {
        manifest,
        folder: PathBuf::from("/nowhere/subject"),
        program: Program::Command(vec!["./it".to_owned()]),
        has_ui: false,
        ui_stamp: 0,
        text: text.into_bytes(),
        stamp: None,
    }
}

fn launch_options() -> LaunchOptions {
    LaunchOptions {
        data_dir: PathBuf::from("/nowhere/data"),
        socket_dir: PathBuf::from("/nowhere/s"),
        base_url: ArcSwap::from_pointee("http://localhost:1".to_owned()),
        javascript: javascript::Options { node: None, runner_dir: PathBuf::from("/nowhere"), link: false },
    }
}
