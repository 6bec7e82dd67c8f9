//! What the operator's page shows of plugins, as the bus tells it.
//!
//! A client's conversation asks. Must not know frames, nor who may see it.

use outboard_protocol::control::PluginStatus;

use super::frames::Shown;
use crate::admission::caller::Origins;
use crate::directory::Directory;
use crate::pages::shell::has_settings;
use crate::ui_files::is_shown_or_played;

/// A plugin as it is shown to who came by a name of these origins.
pub(super) fn shown(directory: &dyn Directory, origins: &Origins, status: PluginStatus) -> Shown {
    let icons = directory.icons(&status.id);
    let servable = |icon: Option<String>| {
        let path = icon.map(|icon| icon.trim_start_matches("./").to_owned());
        path.filter(|path| is_shown_or_played(path) && !path.split('/').any(|part| part == ".."))
    };
    Shown {
        state: status.shown_state(),
        origin: origins.of(&status.id),
        has_ui: directory.has_ui(&status.id),
        has_settings: has_settings(directory, &status.id),
        icon_light: servable(icons.light),
        icon_dark: servable(icons.dark),
        id: status.id,
        name: status.name,
        version: status.version,
        cause: status.cause,
        routes: status.routes,
    }
}
