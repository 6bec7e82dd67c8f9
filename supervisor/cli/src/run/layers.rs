//! The layers of a running supervisor, opened from the ground up and closed from the top down.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use outboard_causes::Told;
use outboard_context::{Context, ContextOptions, OpenError};
use outboard_control::{BindError, Control, Credential};
use outboard_gateway::{Gateway, GatewayOptions};
use outboard_host::{Host, HostOptions, HostTasks, javascript};
use outboard_protocol::context::logger::LogLevel;
use tokio::task::JoinHandle;

use super::listening::{self, OwnFile};
use super::options::LayerOptions;
use super::runtime_folder::RuntimeFolder;
use super::{CONTROL_SOCKET, SupervisorRecord, folders, journal, mending};
use crate::failure::{Exit, Failure, Outcome};
use crate::settings::{Places, Settings};

/// The credential in the data folder.
const CREDENTIAL: &str = "credential";
/// The unpacked JavaScript runner in the data folder.
const RUNNER: &str = "runner";
/// How long requests that no plugin holds up may take to end: their plugins are gone by then.
const FAREWELL: Duration = Duration::from_secs(1);

/// A running supervisor.
pub(super) struct Layers {
    runtime_folder: Arc<RuntimeFolder>,
    context: Context,
    /// The handle on the plugins.
    pub(super) host: Host,
    /// The host's own tasks.
    pub(super) tasks: HostTasks,
    gateway: Gateway,
    /// Removed at the end, where there is one.
    socket_file: Option<OwnFile>,
    control: Control,
    mending: JoinHandle<()>,
    /// What is written in the runtime folder.
    pub(super) record: SupervisorRecord,
}

impl Layers {
    /// Opens everything. What can be refused is asked for first, so that a second supervisor disturbs nothing.
    ///
    /// # Errors
    /// A sentence that says which layer, why, and what to do.
    pub(super) fn open(
        runtime_folder: RuntimeFolder,
        settings: &Settings,
        places: &Places,
        options: LayerOptions,
        keeper_pid: Option<u32>,
    ) -> Outcome<Self> {
        let (listener, listen, socket_file) = listening::bind(settings, &places.listen)?;
        let base_url = listen.base_url();
        let service_options = ContextOptions { base_url: base_url.clone(), ..options.context };
        let context = Context::open(service_options).map_err(|error| {
            let exit = if matches!(error, OpenError::Folder(_)) { Exit::Refused } else { Exit::Failed };
            Failure::new(exit, Told(&error).to_string())
        })?;
        journal::begin(context.logs.clone(), settings.options.trace.clone());
        folders::make_default(places);
        let credential_file = places.data_dir.join(CREDENTIAL);
        let credential =
            Credential::open(&credential_file).map_err(|error| Failure::failed(Told(&error).to_string()))?;
        let socket = runtime_folder.control_socket().map_err(|error| match error {
            BindError::InUse(_) | BindError::TooLong(_) => Failure::new(Exit::Refused, error.to_string()),
            BindError::Refused { .. } => Failure::failed(Told(&error).to_string()),
        })?;
        let host_options = HostOptions {
            plugin_dirs: places.plugin_dirs.clone(),
            data_dir: places.data_dir.clone(),
            runtime_dir: runtime_folder.path().to_owned(),
            pages: outboard_gateway::pages(&options.gateway, &listen),
            shared_origin: !options.gateway.isolate_origins,
            listen: listen.to_string(),
            base_url,
            keeper_pid,
            policy: options.policy,
            javascript: javascript::Options {
                node: settings.options.node.clone(),
                runner_dir: places.data_dir.join(RUNNER),
                link: true,
            },
            hold_until_auth: settings.options.hold_until_auth,
        };
        let (host, tasks) = Host::start(host_options, context.clone())
            .map_err(|error| Failure::failed(Told(&error).to_string()))?;
        let cannot_serve = |error: io::Error| Failure::failed(format!("cannot serve: {error}"));
        let log_requests = settings.options.log_level == LogLevel::Debug;
        let gateway_options = GatewayOptions { log_requests, ..options.gateway };
        let gateway =
            Gateway::serve(gateway_options, listener, Arc::new(host.clone())).map_err(cannot_serve)?;
        let control = Control::serve(host.clone(), socket, credential).map_err(cannot_serve)?;
        let record = SupervisorRecord {
            pid: std::process::id(),
            keeper_pid,
            listen: listen.to_string(),
            data_dir: places.data_dir.clone(),
            credential_file,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: host.status(None).since,
        };
        record.write(runtime_folder.path()).map_err(|error| {
            Failure::failed(format!(
                "cannot write to the runtime folder {}: {error}",
                runtime_folder.path().display()
            ))
        })?;
        let runtime_folder = Arc::new(runtime_folder);
        let mending = tokio::spawn(mending::mend(
            Arc::clone(&runtime_folder),
            record.clone(),
            control.renewal(),
            context.troubles.clone(),
        ));
        Ok(Self { runtime_folder, context, host, tasks, gateway, socket_file, control, mending, record })
    }

    /// Closes everything above the plugins, which have ended. Each step is bounded.
    pub(super) async fn close(self) {
        // First, or what is removed below would be made again.
        self.mending.abort();
        let _ = self.mending.await;
        self.gateway.shutdown(FAREWELL).await;
        drop(self.socket_file);
        self.control.stop().await;
        SupervisorRecord::remove(self.runtime_folder.path());
        // Nobody can connect any more; what cannot be removed is replaced by the next supervisor.
        let _ = std::fs::remove_file(self.runtime_folder.path().join(CONTROL_SOCKET));
        self.context.close().await;
    }
}
