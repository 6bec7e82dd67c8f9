//! Where conversations take place: starts processes of the plugin, and keeps the record of each.
//!
//! Made by [`crate::examine`], used by the cases. Must not know any rule.

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use outboard_host::discovery::Installed;
use outboard_host::process::Spawner;
use outboard_host::trial::{self, Folders};
use serde_json::{Value, json};

use crate::conversation::{Conversation, Ended, INITIALIZE_ID, START_ID};
use crate::limits::Limits;
use crate::record::Record;
use crate::scratch::Scratch;
use crate::script::{Script, UNKNOWN_MEMBER};

/// What the plugin is told of the world outside. Nobody listens there.
const BASE_URL: &str = "http://127.0.0.1:9";

pub(crate) struct Stage {
    spawner: Spawner,
    installed: Arc<Installed>,
    scratch: Scratch,
    limits: Limits,
    started: Cell<u64>,
    records: RefCell<Vec<Record>>,
}

impl Stage {
    pub(crate) fn new(spawner: Spawner, installed: Installed, scratch: Scratch, limits: Limits) -> Self {
        Self {
            spawner,
            installed: Arc::new(installed),
            scratch,
            limits,
            started: Cell::new(0),
            records: RefCell::default(),
        }
    }

    /// A fresh process with an empty data folder, to which nothing was said.
    ///
    /// # Errors
    /// A sentence, when there is no process.
    pub(crate) async fn silent(&self) -> Result<Conversation, String> {
        let number = self.started.get() + 1;
        self.started.set(number);
        let root = self.scratch.path();
        let folders = Folders {
            data: root.join(format!("data-{number}")),
            sockets: root.join("sockets"),
            runner: root.join("runner"),
            base_url: BASE_URL.to_owned(),
        };
        let data = folders.plugin_data(&self.installed);
        let trial = trial::start(&self.spawner, Arc::clone(&self.installed), &folders, number).await;
        let trial = trial.map_err(|error| format!("the program does not run: {error}"))?;
        let script = Script::new(self.defaults(), data.clone(), BASE_URL.to_owned());
        Ok(Conversation::begin(trial, script, self.limits, data))
    }

    /// A process that has answered `initialize`.
    ///
    /// # Errors
    /// A sentence, when it has not.
    pub(crate) async fn initialized(&self) -> Result<Conversation, String> {
        let conversation = self.silent().await?;
        self.greet(&conversation, &[1, 9999]);
        let answer = conversation.answer(INITIALIZE_ID, self.limits.initialize()).await;
        match answer {
            Some(answer) if answer.get("result").is_some() => Ok(conversation),
            said => {
                let ended = self.keep(conversation.end().await);
                Err(unanswered("initialize", said.as_ref(), &ended))
            }
        }
    }

    /// A process that has answered `start`.
    ///
    /// # Errors
    /// A sentence, when it has not.
    pub(crate) async fn running(&self) -> Result<Conversation, String> {
        let conversation = self.initialized().await?;
        conversation.ask(START_ID, "start", &json!({}));
        match conversation.answer(START_ID, self.limits.start()).await {
            Some(answer) if answer.get("result").is_some() => Ok(conversation),
            said => {
                let ended = self.keep(conversation.end().await);
                Err(unanswered("start", said.as_ref(), &ended))
            }
        }
    }

    /// What the manifest gives each setting.
    fn defaults(&self) -> BTreeMap<String, Value> {
        let settings = self.installed.manifest.available_settings.iter();
        settings.filter_map(|one| Some((one.key.to_string(), one.default.clone()?))).collect()
    }

    /// Says `initialize`, with members and features that no version knows.
    pub(crate) fn greet(&self, conversation: &Conversation, versions: &[u32]) {
        let folder = self.installed.folder.display().to_string();
        let id = self.installed.id().as_str();
        let params = json!({
            "protocolVersions": versions,
            "host": {"name": "outboard", "version": env!("CARGO_PKG_VERSION"), UNKNOWN_MEMBER: 1},
            "plugin": {"id": id, "version": self.installed.version(), "installDir": folder,
                "dataDir": conversation.data()},
            "http": {"baseUrl": BASE_URL, "prefix": format!("/api/{id}")},
            "features": ["outboard-conform-unknown-feature"],
            UNKNOWN_MEMBER: null,
        });
        conversation.ask(INITIALIZE_ID, "initialize", &params);
    }

    /// Keeps the record of what has ended for the cases that read.
    pub(crate) fn keep(&self, ended: Ended) -> Ended {
        self.records.borrow_mut().push(ended.record.clone());
        ended
    }

    /// The records of all conversations so far.
    pub(crate) fn records(&self) -> Ref<'_, Vec<Record>> {
        self.records.borrow()
    }

    pub(crate) fn id(&self) -> &str {
        self.installed.id().as_str()
    }
}

fn unanswered(method: &str, said: Option<&Value>, ended: &Ended) -> String {
    let log = ended.record.log.trim_end();
    let last = log.lines().last().map(|line| format!("; its last words: {line}")).unwrap_or_default();
    match (said, ended.exit) {
        (Some(said), _) => format!("`{method}` was answered with an error: {}", said["error"]),
        (None, Some(exit)) => format!("`{method}` was not answered; the process {exit}{last}"),
        (None, None) => format!("`{method}` was not answered in time{last}"),
    }
}
