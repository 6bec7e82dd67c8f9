//! From a path to who answers it.
//!
//! The front door asks after admission. The plugin id is the first raw segment after `/api/`, never decoded. Must not know
//! whether the plugin runs.

use outboard_broker::Provider;
use outboard_protocol::PluginId;
use outboard_protocol::id::{RoutePrefix, SUPERVISOR_PREFIX, is_below, is_the_shells};

use crate::directory::Directory;
use crate::pages::{self, ICON_PATH};
use crate::problem::{Kind, Problem};

/// Who answers a path.
#[derive(Debug)]
pub(crate) enum Destination<'p> {
    /// The supervisor itself: its own paths, and the first page.
    Ours,
    /// A plugin, by a prefix that it registered.
    Plugin(PluginId, RoutePrefix),
    /// A plugin by its id alone: it has registered nothing that covers the path, or not yet.
    Unregistered(&'p str),
    /// Whoever provides the service that this path of the shell's comes with; nobody, where none does.
    Shells(Option<(Provider, RoutePrefix)>),
}

/// Finds who answers `path`.
pub(crate) fn find<'p>(directory: &dyn Directory, path: &'p str) -> Result<Destination<'p>, Problem> {
    if let Some(rest) = path.strip_prefix("/api/") {
        return below_api(directory, path, rest);
    }
    if path == "/" || is_below(path, SUPERVISOR_PREFIX) {
        return Ok(Destination::Ours);
    }
    match directory.owner_of(path) {
        Some((id, prefix)) => Ok(Destination::Plugin(id, prefix)),
        None if path == ICON_PATH || pages::is_operators(path) => Ok(Destination::Ours),
        None => Err(Problem::new(
            Kind::NotFound,
            format!("No plugin has registered a prefix that covers {path:?}."),
        )),
    }
}

fn below_api<'p>(
    directory: &dyn Directory,
    path: &'p str,
    rest: &'p str,
) -> Result<Destination<'p>, Problem> {
    let id = rest.split('/').next().unwrap_or_default();
    if id.contains('%') {
        let detail = format!("The plugin id {id:?} is percent-encoded; write it plainly.");
        return Err(Problem::new(Kind::Ambiguous, detail).closing());
    }
    if is_the_shells(path) {
        return Ok(Destination::Shells(directory.broker().serving(path)));
    }
    match directory.owner_of(path) {
        // Only a plugin itself answers below its own id, whatever was registered.
        Some((owner, prefix)) if owner.as_str() == id => Ok(Destination::Plugin(owner, prefix)),
        // It could not be the name of a host either, to which a browser would be sent.
        _ if PluginId::check(id).is_err() => Err(Problem::unknown_plugin(id)),
        _ => Ok(Destination::Unregistered(id)),
    }
}
