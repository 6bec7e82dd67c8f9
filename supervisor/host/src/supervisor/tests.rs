//! The supervisor over plugins whose processes live in memory. Folders and the context are real, and so is the clock.
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use outboard_context::{Context, ContextOptions};
use outboard_lifecycle::Order;
use outboard_protocol::PluginId;
use outboard_protocol::control::PluginState;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{PluginPolicy, Request, ShutdownMode, Supervisor};
use crate::catalogue::Catalogue;
use crate::plugin::PluginHandle;
use crate::plugin::testing::{Nature, Spawns, Stage};

/// Only a hang reaches this.
const PATIENCE: Duration = Duration::from_secs(60);

struct House {
    stage: Stage,
    catalogue: watch::Receiver<Arc<Catalogue>>,
    requests: mpsc::Sender<Request>,
    task: JoinHandle<()>,
    _root: TempDir,
}

impl House {
    /// Two plugins, `one` and `two`, of which the first process of `one` is this.
    fn with(first_of_one: Nature) -> Self {
        let root = tempfile::tempdir().unwrap();
        for id in ["one", "two"] {
            let folder = root.path().join("plugins").join(id);
            std::fs::create_dir_all(&folder).unwrap();
            let manifest = format!(
                r#"{{"id": "{id}", "name": "{id}", "version": "1.0.0", "run": {{"command": ["./it"]}}}}"#
            );
            std::fs::write(folder.join("plugin.json"), manifest).unwrap();
        }
        let mut first = Some(first_of_one);
        let stage = Stage::with(move |id, _| {
            let first = if id.as_str() == "one" { first.take() } else { None };
            first.unwrap_or(Nature::HEALTHY)
        });
        let context = Context::open(ContextOptions::new(root.path().join("data"))).unwrap();
        let mut policy = PluginPolicy::default();
        policy.common.policy.leave = Duration::from_millis(10);
        let (requests, inbox) = mpsc::channel(1);
        let catalogue = watch::Sender::new(Arc::new(Catalogue::default()));
        let seen = catalogue.subscribe();
        let dirs = vec![root.path().join("plugins")];
        let supervisor = Supervisor::new(
            dirs,
            policy,
            context,
            stage.shared.clone(),
            catalogue,
            watch::Sender::new(false),
        );
        let task = tokio::spawn(supervisor.run(inbox));
        Self { stage, catalogue: seen, requests, task, _root: root }
    }

    /// The plugin, once it is as wanted. Its handle is another one after its actor was replaced.
    async fn when(&self, id: &str, state: PluginState, generation: u64) -> PluginHandle {
        let id = PluginId::new(id).unwrap();
        let seen = async {
            loop {
                let handle = self.catalogue.borrow().plugins.get(&id).cloned();
                if let Some(handle) = handle {
                    let status = handle.view.borrow().status.clone();
                    if status.state == state && status.generation == generation {
                        return handle;
                    }
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("{id} is not {state:?} in {generation}"))
    }

    async fn end(self) {
        self.requests.send(Request::Shutdown(ShutdownMode::Graceful)).await.unwrap();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
        assert!(self.stage.launcher.processes().iter().all(|process| !process.lives()));
    }
}

#[tokio::test]
async fn a_plugin_whose_task_panics_is_errored_alone_and_the_next_start_works() {
    let house = House::with(Nature { panics_on_terminate: true, leaves: None, ..Nature::HEALTHY });
    let one = house.when("one", PluginState::Running, 1).await;
    house.when("two", PluginState::Running, 1).await;
    let route = house.stage.shared.routes.find("one").unwrap();
    one.order(Order::Restart, None).await;
    let successor = house.when("one", PluginState::Errored, 1).await;
    let status = successor.view.borrow().status.clone();
    assert_eq!(status.cause_code.as_deref(), Some("internal"));
    assert!(status.cause.is_some_and(|why| why.contains("a bug in the actor")), "the panic is named");
    assert!(!one.order(Order::Start, None).await, "the former task is gone");
    assert!(successor.order(Order::Start, None).await);
    house.when("one", PluginState::Running, 2).await;
    let now = house.stage.shared.routes.find("one").unwrap();
    assert!(Arc::ptr_eq(&route, &now), "whoever waits on its route hears of the successor");
    house.when("two", PluginState::Running, 1).await;
    let of_two =
        house.stage.launcher.processes().into_iter().filter(|process| process.plugin.as_str() == "two");
    assert_eq!(of_two.count(), 1, "the neighbour has not noticed");
    house.end().await;
}

#[tokio::test]
async fn a_plugin_whose_launch_panics_is_replaced_too() {
    let house = House::with(Nature { spawns: Spawns::Panics, ..Nature::HEALTHY });
    let successor = house.when("one", PluginState::Errored, 1).await;
    assert_eq!(successor.view.borrow().status.cause_code.as_deref(), Some("internal"));
    assert!(successor.order(Order::Start, None).await);
    house.when("one", PluginState::Running, 2).await;
    house.end().await;
}
