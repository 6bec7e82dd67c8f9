//! What the context tells without being asked: notices for plugins, events for the host application.
//!
//! Sent by the context after a change is on disk; the host forwards notices to the live sessions, the gateway forwards
//! events to control. Must not know either of them.
//!
//! A notice for one plugin reaches that plugin's mailbox and nothing else, so that a change costs the same with one plugin
//! installed as with a hundred, and with no UI connected as with a thousand.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use outboard_protocol::PluginId;
use outboard_protocol::control::HostEvent;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{Notify, broadcast};

/// Notices that may wait in a mailbox before the oldest are lost. The host empties it in a tight loop; this is a burst.
const WAITING: usize = 1024;

/// Notices for everybody that a receiver may lag behind: news of the sign-in and of the airline, which are rare.
const NEWS: usize = 64;

/// Host events that a receiver may lag behind.
const EVENTS: usize = 256;

/// A notification for plugins.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The notification's name on the wire.
    pub method: &'static str,
    /// Its parameters. Never a secret.
    pub params: Arc<RawValue>,
}

/// Where one plugin's notices arrive, its own and everybody's, in their order. A plugin has one mailbox: a later one takes its place.
/// A default one is nobody's, and stays empty.
#[derive(Debug, Default)]
pub struct Mailbox(Arc<Slot>);

#[derive(Debug, Default)]
struct Slot {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    notices: VecDeque<Notice>,
    lost: u64,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, notice: Notice) {
        let mut waiting = self.lock();
        if waiting.notices.len() >= WAITING {
            // The newest say how things are now.
            waiting.notices.pop_front();
            waiting.lost += 1;
        }
        waiting.notices.push_back(notice);
        drop(waiting);
        self.filled.notify_one();
    }
}

impl Mailbox {
    /// Waits until there are notices, takes all of them, and tells how many were lost before them because nobody took them.
    pub async fn take(&mut self) -> (VecDeque<Notice>, u64) {
        loop {
            let (notices, lost) = self.take_now();
            if !notices.is_empty() {
                return (notices, lost);
            }
            self.0.filled.notified().await;
        }
    }

    /// Takes what is there, and tells how many were lost before that.
    pub fn take_now(&mut self) -> (VecDeque<Notice>, u64) {
        let mut waiting = self.0.lock();
        (std::mem::take(&mut waiting.notices), std::mem::take(&mut waiting.lost))
    }
}

/// Where the context puts its notices and events. Nothing blocks and nothing fails when nobody listens.
#[derive(Debug, Clone)]
pub(crate) struct Notices {
    mailboxes: Arc<RwLock<HashMap<PluginId, Weak<Slot>>>>,
    news: broadcast::Sender<Notice>,
    events: broadcast::Sender<HostEvent>,
}

impl Notices {
    pub(crate) fn new() -> Self {
        let (news, events) = (broadcast::Sender::new(NEWS), broadcast::Sender::new(EVENTS));
        Self { mailboxes: Arc::default(), news, events }
    }

    /// Tells one plugin.
    pub(crate) fn tell<T: Serialize>(&self, plugin: &PluginId, method: &'static str, params: &T) {
        let mailboxes = self.mailboxes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = mailboxes.get(plugin).and_then(Weak::upgrade) {
            drop(mailboxes);
            slot.put(Notice { method, params: Arc::from(crate::reply::to_raw(params)) });
        }
    }

    /// Tells every plugin, and whoever follows the news.
    pub(crate) fn tell_all<T: Serialize>(&self, method: &'static str, params: &T) {
        let notice = Notice { method, params: Arc::from(crate::reply::to_raw(params)) };
        let mailboxes = self.mailboxes.read().unwrap_or_else(PoisonError::into_inner);
        mailboxes.values().filter_map(Weak::upgrade).for_each(|slot| slot.put(notice.clone()));
        drop(mailboxes);
        let _ = self.news.send(notice);
    }

    pub(crate) fn announce(&self, event: HostEvent) {
        let _ = self.events.send(event);
    }

    pub(crate) fn mailbox(&self, plugin: &PluginId) -> Mailbox {
        let slot = Arc::new(Slot::default());
        let mut mailboxes = self.mailboxes.write().unwrap_or_else(PoisonError::into_inner);
        // Those of plugins that are installed no longer.
        mailboxes.retain(|_, slot| slot.strong_count() > 0);
        mailboxes.insert(plugin.clone(), Arc::downgrade(&slot));
        Mailbox(slot)
    }

    pub(crate) fn news(&self) -> broadcast::Receiver<Notice> {
        self.news.subscribe()
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<HostEvent> {
        self.events.subscribe()
    }
}
