//! `ctx.server`: who owns which path. First come, first served, remembered over restarts.
//!
//! Called by the dispatch; read by the gateway for every request. Must not know sockets or processes.
//!
//! Every look costs the logarithm of the number of prefixes, claims included: with a copy of the table at each change, as one would
//! have it for readers without a lock, the start of all plugins would cost the square of their number.
//!
//! The rule: `/api/<id>` and everything below belongs to plugin `<id>`, whether it runs or not, and nobody can claim it. Any
//! other prefix goes to the first plugin that asks, with all that lies below: nobody else gets a prefix above or below it. The shell's
//! own paths go with a service: who provides it answers them, for as long as it does, and nothing of that is kept here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::ArcSwap;
use outboard_broker::Broker;
use outboard_protocol::context::server::{PrefixParams, RegisterResult};
use outboard_protocol::handshake::Empty;
use outboard_protocol::id::{PREFIX_MAX, RoutePrefix, is_below};
use outboard_protocol::methods::{ServerRegister, ServerUnregister};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use rusqlite::Connection;
use serde_json::value::RawValue;

use crate::reply::{Durable, Reply, owned_params};
use crate::store::{Group, Kept, Store, StoreError};

/// Prefixes a plugin: an application has a handful.
pub const PREFIXES_MAX: usize = 32;

/// Where plugin ids live.
const API: &str = "/api";

/// Who owns what, from both sides.
#[derive(Default)]
struct Table {
    owners: BTreeMap<RoutePrefix, PluginId>,
    prefixes: HashMap<PluginId, BTreeSet<RoutePrefix>>,
}

/// Every claimed prefix and its owner. Clones share it.
#[derive(Clone)]
pub struct Prefixes {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    /// Held for looks and changes in memory alone. A writer queues its change for the file while it holds it, so that the file
    /// sees the changes in the same order.
    table: RwLock<Table>,
    base_url: ArcSwap<String>,
}

/// Everything that the file holds, as it was when it was opened.
pub(crate) struct Stored(Table);

impl Stored {
    pub(crate) fn load(db: &Connection) -> rusqlite::Result<Self> {
        let mut table = Table::default();
        let mut statement = db.prepare("SELECT prefix, plugin FROM prefixes")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (prefix, plugin): (String, String) = (row.get(0)?, row.get(1)?);
            if let (Ok(prefix), Ok(plugin)) = (RoutePrefix::new(&prefix), PluginId::new(&plugin)) {
                table.insert(prefix, plugin);
            }
        }
        Ok(Self(table))
    }
}

impl Prefixes {
    pub(crate) fn new(store: Store, stored: Stored, base_url: String) -> Self {
        let inner = Inner { store, table: RwLock::new(stored.0), base_url: ArcSwap::from_pointee(base_url) };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn set_base_url(&self, base_url: &str) {
        self.inner.base_url.store(Arc::new(base_url.trim_end_matches('/').to_owned()));
    }

    /// Who owns this path, and by which prefix: the longest that covers it. The path is raw, as it came.
    pub fn owner_of(&self, path: &str) -> Option<(PluginId, RoutePrefix)> {
        self.read().covering(path).next().map(|(prefix, owner)| (owner.clone(), prefix.clone()))
    }

    /// The prefixes of a plugin, in order. Empty: it serves no HTTP.
    pub fn of(&self, id: &PluginId) -> Vec<RoutePrefix> {
        self.read().prefixes.get(id).into_iter().flatten().cloned().collect()
    }

    /// The prefixes of every plugin that has any, in order: one walk for all of them.
    pub fn by_plugin(&self) -> HashMap<PluginId, Vec<RoutePrefix>> {
        let table = self.read();
        table.prefixes.iter().map(|(id, prefixes)| (id.clone(), prefixes.iter().cloned().collect())).collect()
    }

    /// Claims a prefix: it is the plugin's at once; ends when it is remembered. To claim what one has succeeds.
    ///
    /// # Errors
    /// `conflict`, which names the owner; `limit_exceeded`. A disk that cannot remember it is not a reason to refuse.
    pub fn claim(&self, id: &PluginId, prefix: &RoutePrefix) -> Durable<()> {
        let claimed = self.take(id, prefix);
        Box::pin(async move {
            if let Some(remembered) = claimed? {
                forgive(remembered.await);
            }
            Ok(())
        })
    }

    /// Gives a prefix back; ends when that is remembered. Tells whether the plugin had it.
    pub fn release(&self, id: &PluginId, prefix: &RoutePrefix) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        let mut table = self.write();
        let is_owner = table.owners.get(prefix.as_str()) == Some(id);
        let forgotten = is_owner.then(|| self.forget(&mut table, vec![prefix.clone()]));
        drop(table);
        Box::pin(async move {
            match forgotten {
                Some(forgotten) => {
                    forgive(forgotten.await);
                    true
                }
                None => false,
            }
        })
    }

    /// Gives back all that other plugins than these have, because they are installed no longer. They are free at once; ends when
    /// that is remembered.
    pub fn keep_only(
        &self,
        installed: impl Fn(&PluginId) -> bool,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut table = self.write();
        let gone: Vec<RoutePrefix> = table
            .prefixes
            .iter()
            .filter(|(id, _)| !installed(id))
            .flat_map(|(_, owned)| owned.iter().cloned())
            .collect();
        let forgotten = (!gone.is_empty()).then(|| self.forget(&mut table, gone));
        drop(table);
        Box::pin(async move {
            if let Some(forgotten) = forgotten {
                forgive(forgotten.await);
            }
        })
    }

    pub(crate) fn answer_register(&self, broker: &Broker, id: &PluginId, raw: Option<&RawValue>) -> Reply {
        let PrefixParams { prefix } = match owned_params::<ServerRegister>(raw) {
            Ok(params) => params,
            Err(error) => return Reply::Now(Err(error)),
        };
        let result = RegisterResult { url: format!("{}{prefix}", self.inner.base_url.load()) };
        if prefix.is_the_shells() {
            return Reply::now(match broker.names(id, &prefix) {
                true => Ok(result),
                false => Err(not_named(id, &prefix)),
            });
        }
        match self.take(id, &prefix) {
            Ok(None) => Reply::now(Ok(result)),
            Ok(Some(remembered)) => Reply::later(async move {
                forgive(remembered.await);
                Ok(result)
            }),
            Err(error) => Reply::Now(Err(error)),
        }
    }

    pub(crate) fn answer_unregister(&self, id: &PluginId, raw: Option<&RawValue>) -> Reply {
        match owned_params::<ServerUnregister>(raw) {
            Ok(PrefixParams { prefix }) => {
                let released = self.release(id, &prefix);
                Reply::later(async move {
                    released.await;
                    Ok(Empty {})
                })
            }
            Err(error) => Reply::Now(Err(error)),
        }
    }

    /// `None`: the plugin had it already.
    fn take(&self, id: &PluginId, prefix: &RoutePrefix) -> Result<Option<Kept<()>>, RpcError> {
        let mut table = self.write();
        if table.owners.get(prefix) == Some(id) {
            return Ok(None);
        }
        check_free(&table, id, prefix)?;
        table.insert(prefix.clone(), id.clone());
        let row = (prefix.clone(), id.clone());
        let remembered = self.inner.store.write(
            move |group| {
                group
                    .db
                    .prepare_cached("INSERT OR REPLACE INTO prefixes (prefix, plugin) VALUES (?1, ?2)")
                    .and_then(|mut statement| statement.execute((row.0.as_str(), row.1.as_str())))
                    .map_err(|error| group.name(&error))?;
                Ok(())
            },
            |()| || {},
        );
        Ok(Some(remembered))
    }

    fn forget(&self, table: &mut Table, gone: Vec<RoutePrefix>) -> Kept<()> {
        gone.iter().for_each(|prefix| table.remove(prefix));
        self.inner.store.write(
            move |group| group.together(|group| gone.iter().try_for_each(|prefix| forget(group, prefix))),
            |()| || {},
        )
    }

    // Every change is one insertion or removal on each side, so a panic elsewhere cannot have left it half done.

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.inner.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.inner.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, prefix: RoutePrefix, id: PluginId) {
        self.prefixes.entry(id.clone()).or_default().insert(prefix.clone());
        self.owners.insert(prefix, id);
    }

    fn remove(&mut self, prefix: &RoutePrefix) {
        let Some(owner) = self.owners.remove(prefix) else { return };
        if let Some(prefixes) = self.prefixes.get_mut(&owner) {
            prefixes.remove(prefix);
            if prefixes.is_empty() {
                self.prefixes.remove(&owner);
            }
        }
    }

    /// The prefixes that are this path or above it, the longest first.
    fn covering<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a RoutePrefix, &'a PluginId)> {
        let above = |end: &usize| path[..*end].rfind('/').filter(|at| *at > 0);
        let first = (!self.owners.is_empty()).then_some(path.len());
        std::iter::successors(first, above)
            .filter(|end| *end <= PREFIX_MAX)
            .filter_map(|end| self.owners.get_key_value(&path[..end]))
    }

    /// The prefixes below this one.
    fn below<'a>(&'a self, prefix: &RoutePrefix) -> impl Iterator<Item = (&'a RoutePrefix, &'a PluginId)> {
        let begin = format!("{prefix}/");
        let from = self.owners.range::<str, _>((Bound::Included(begin.as_str()), Bound::Unbounded));
        from.take_while(move |(other, _)| other.as_str().starts_with(&begin))
    }
}

fn forget(group: &Group<'_>, prefix: &RoutePrefix) -> Result<(), StoreError> {
    group
        .db
        .prepare_cached("DELETE FROM prefixes WHERE prefix = ?1")
        .and_then(|mut statement| statement.execute([prefix.as_str()]))
        .map_err(|error| group.name(&error))?;
    Ok(())
}

/// A prefix works whether it is remembered or not; a full disk must not keep a plugin from starting.
fn forgive(remembered: Result<(), StoreError>) {
    drop(remembered);
}

fn check_free(table: &Table, id: &PluginId, prefix: &RoutePrefix) -> Result<(), RpcError> {
    if is_below(prefix.as_str(), API) {
        let own = format!("{API}/{id}");
        if is_below(prefix.as_str(), &own) {
            return check_count(table, id);
        }
        let owner = prefix.as_str()[API.len() + 1..].split('/').next().unwrap_or_default();
        return Err(conflict(id, prefix, &format!("{API}/{owner}"), owner));
    }
    match table.covering(prefix.as_str()).chain(table.below(prefix)).find(|(_, owner)| *owner != id) {
        Some((other, owner)) => Err(conflict(id, prefix, other.as_str(), owner.as_str())),
        None => check_count(table, id),
    }
}

fn not_named(id: &PluginId, prefix: &RoutePrefix) -> RpcError {
    let what = format!(
        "plugin {id} cannot serve {prefix}: it belongs to the shell, and only a provider answers it whose plugin.json names it with a service, as in \"provides\": [{{\"service\": \"flight\", \"prefixes\": [\"{prefix}\"]}}]"
    );
    RpcError::new(ErrorReason::Conflict, what).with("owner", "shell").with("prefix", prefix.as_str())
}

fn check_count(table: &Table, id: &PluginId) -> Result<(), RpcError> {
    if table.prefixes.get(id).map_or(0, BTreeSet::len) < PREFIXES_MAX {
        return Ok(());
    }
    let what =
        format!("plugin {id} has {PREFIXES_MAX} route prefixes, which is the limit; register one above them");
    Err(RpcError::new(ErrorReason::LimitExceeded, what).with("limit", "prefixes"))
}

fn conflict(id: &PluginId, prefix: &RoutePrefix, owned: &str, owner: &str) -> RpcError {
    let what = format!(
        "plugin {id} cannot serve {prefix}: {owned} and everything below belongs to plugin {owner}; choose a prefix below {API}/{id}"
    );
    RpcError::new(ErrorReason::Conflict, what).with("owner", owner).with("prefix", owned)
}
