//! The environment that a plugin's process begins with. Nothing is inherited that is not named here: the supervisor's own
//! environment may hold what is nobody's business.

use std::ffi::OsString;
use std::path::Path;

use crate::discovery::Installed;
use crate::virtual_environment::{self, VirtualEnvironment};

/// Variables that pass from the supervisor to plugins, by name.
const PASSED: [&str; 16] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];
/// Variables that pass by how their names begin.
const PASSED_PREFIX: &str = "LC_";

/// The whole environment, in no particular order.
pub(super) fn environment(
    installed: &Installed,
    data_dir: &Path,
    further: &[(String, String)],
) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = std::env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            PASSED.contains(&name.as_ref()) || name.starts_with(PASSED_PREFIX)
        })
        .collect();
    set(&mut env, "OUTBOARD_PLUGIN_ID", installed.id().as_str());
    if installed.manifest.speaks_the_protocol() {
        set(&mut env, "OUTBOARD_PROTOCOL", outboard_protocol::version::NEWEST.to_string());
    }
    set(&mut env, "OUTBOARD_DATA_DIR", data_dir);
    set(&mut env, "TMPDIR", data_dir.join("tmp"));
    use_virtual_environment(&mut env, &installed.folder);
    for (name, value) in further {
        set(&mut env, name, value);
    }
    env
}

pub(super) fn set(env: &mut Vec<(OsString, OsString)>, name: &str, value: impl Into<OsString>) {
    env.retain(|(known, _)| known != name);
    env.push((name.into(), value.into()));
}

/// Its programs come first on the `PATH`, so that `python3` in `run.command` is the plugin's own.
fn use_virtual_environment(env: &mut Vec<(OsString, OsString)>, folder: &Path) {
    let Some(VirtualEnvironment { root, programs }) = virtual_environment::of(folder) else { return };
    let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.clone()).unwrap_or_default();
    let mut joined = programs.into_os_string();
    if !path.is_empty() {
        joined.push(":");
        joined.push(path);
    }
    set(env, "PATH", joined);
    set(env, "VIRTUAL_ENV", root);
}
