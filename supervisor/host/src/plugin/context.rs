//! What an actor needs of the context.
//!
//! The other seam of the actor: the context keeps things on a disk, by a thread of its own; tests keep theirs in memory, as
//! slowly and as badly as they like.

use std::sync::Arc;

use outboard_broker::{Broker, Consumer};
use outboard_context::{Context, Durable, Mailbox, NewRecord, ProcessContext, ProcessIdentity};
use outboard_protocol::PluginId;
use outboard_protocol::id::{Channel, RoutePrefix};

use crate::session::ContextCalls;

/// What an actor needs of the context. What is kept is queued at once; the future ends when it is on disk, or says why it is not.
pub(crate) trait PluginContext: Send + Sync {
    /// Takes a record for the log. Never waits.
    fn log(&self, record: NewRecord);
    /// Where the plugin's notifications arrive from now on.
    fn mailbox(&self, id: &PluginId) -> Mailbox;
    /// Who answers the context calls of one process.
    fn for_process(&self, identity: ProcessIdentity) -> Arc<dyn Answers>;
    /// Whether the disk has been holding up what is kept for some time.
    fn are_held_up(&self) -> bool;
    /// The version that ran last, if any did.
    fn last_version(&self, id: &PluginId) -> Option<String>;
    /// Remembers the version that runs.
    fn set_last_version(&self, id: &PluginId, version: &str) -> Durable<()>;
    /// Remembers what went wrong with it, or that nothing did.
    fn set_past(&self, id: &PluginId, past: Option<String>) -> Durable<()>;
    /// Who provides which service.
    fn broker(&self) -> &Broker;
    /// Claims a prefix, which is the plugin's at once.
    fn claim(&self, id: &PluginId, prefix: &RoutePrefix) -> Durable<()>;
}

/// Who answers the context calls of one process.
pub(crate) trait Answers: ContextCalls {
    /// Whether the process answers `ipc.invoke` on the channel.
    fn handles(&self, channel: &Channel) -> bool;
    /// The process as one that uses services: what waits for it is taken from here.
    fn consumer(&self) -> Arc<Consumer>;
}

impl PluginContext for Context {
    fn log(&self, record: NewRecord) {
        self.logs.record(record);
    }
    fn mailbox(&self, id: &PluginId) -> Mailbox {
        Self::mailbox(self, id)
    }
    fn for_process(&self, identity: ProcessIdentity) -> Arc<dyn Answers> {
        Self::for_process(self, identity)
    }
    fn are_held_up(&self) -> bool {
        Self::are_held_up(self)
    }
    fn last_version(&self, id: &PluginId) -> Option<String> {
        self.plugins.last_version(id)
    }
    fn set_last_version(&self, id: &PluginId, version: &str) -> Durable<()> {
        self.plugins.set_last_version(id, version)
    }
    fn set_past(&self, id: &PluginId, past: Option<String>) -> Durable<()> {
        self.plugins.set_past(id, past)
    }
    fn broker(&self) -> &Broker {
        &self.broker
    }
    fn claim(&self, id: &PluginId, prefix: &RoutePrefix) -> Durable<()> {
        self.prefixes.claim(id, prefix)
    }
}

impl Answers for ProcessContext {
    fn handles(&self, channel: &Channel) -> bool {
        Self::handles(self, channel)
    }
    fn consumer(&self) -> Arc<Consumer> {
        Arc::clone(Self::consumer(self))
    }
}
