//! By which names browsers may reach what, as the settings write it: mistakes that would silently let in nobody, or everybody, are
//! refused before anything starts.
//!
//! Called by [`super::options`]. Must not know what the names mean to the gateway.

use outboard_gateway::{GatewayOptions, PluginOrigin};

use crate::failure::Outcome;
use crate::settings::Settings;

/// Refuses hosts and origins that can never match, or that are anybody's.
///
/// # Errors
/// A usage failure that names the value and what it must be.
pub(super) fn check(settings: &Settings, http: &GatewayOptions) -> Outcome {
    for origin in &http.allowed_origins {
        origin_fault(origin).map_or(Ok(()), |must| {
            Err(settings.wrong(&["http", "allowed_origins"], &format!("{must}; {origin:?} is not that")))
        })?;
    }
    for host in &http.allowed_hosts {
        host_fault(host, http.isolate_origins, http.plugin_origin.as_ref()).map_or(Ok(()), |must| {
            Err(settings.wrong(&["http", "allowed_hosts"], &format!("{must}; {host:?} is not that")))
        })?;
    }
    Ok(())
}

/// The public origins of plugins.
///
/// # Errors
/// A usage failure for a pattern that could not keep plugins apart.
pub(super) fn plugin_origin(settings: &Settings) -> Outcome<Option<PluginOrigin>> {
    const KEY: &[&str] = &["http", "plugin_origin"];
    let Some(pattern) = &settings.options.http.plugin_origin else { return Ok(None) };
    if !settings.options.gateway.isolate_origins {
        return Err(settings.wrong(
            KEY,
            "be left out beside `isolate_origins = false`, which puts all pages under one origin",
        ));
    }
    PluginOrigin::new(pattern).map(Some).map_err(|must| settings.wrong(KEY, must))
}

/// What an origin must be and is not.
fn origin_fault(origin: &str) -> Option<&'static str> {
    match origin {
        "null" => {
            return Some(
                "be origins named one by one: `null` is what every page in a sandboxed frame and every file on a disk sends",
            );
        }
        "*" => return Some("be origins named one by one: `*` would let in every page of the web"),
        _ => {}
    }
    let shaped = origin.trim_end_matches('/').split_once("://").is_some_and(|(scheme, host)| {
        let scheme_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let host_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(scheme_plain)
            && !scheme.eq_ignore_ascii_case("file")
            && !host.is_empty()
            && host.bytes().all(host_plain)
            && !(scheme.eq_ignore_ascii_case("http") && host.ends_with(":80"))
            && !(scheme.eq_ignore_ascii_case("https") && host.ends_with(":443"))
    });
    (!shaped).then_some(
        "be origins as browsers send them: scheme and host, a port where it is not the scheme's own, no path and no `*`, \
         such as http://localhost:5173",
    )
}

/// What a host must be and is not.
fn host_fault(host: &str, isolated: bool, plugins: Option<&PluginOrigin>) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    if host.is_empty() || !host.bytes().all(plain) {
        return Some("be hosts named one by one, as `name` or `name:port`, without scheme, path or `*`");
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    if isolated && name.ends_with(".localhost") {
        return Some("be without names that end in .localhost: those are the plugins' own");
    }
    plugins
        .is_some_and(|plugins| plugins.covers(host))
        .then_some("be without names that `plugin_origin` gives to plugins, which need not be listed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_that_are_anybodys_or_nobodys_are_refused() {
        for good in [
            "http://localhost:5173",
            "https://deck.example",
            "app://shell",
            "http://[::1]:5173",
            "tauri://localhost/",
        ] {
            assert_eq!(origin_fault(good), None, "{good}");
        }
        for bad in [
            "null",
            "*",
            "",
            "localhost:5173",
            "http://*.example",
            "https://*",
            "http://",
            "http://a/b",
            "http://a?b",
            "http://me@a",
            "http://a b",
            "file://",
            "file://x",
            "http://a:80",
            "https://a:443",
            "https://bücher.example",
        ] {
            assert!(origin_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn hosts_that_can_never_match_are_refused() {
        for good in ["deck.example", "deck.example:8080", "[::1]:8080", "localhost:8080"] {
            assert_eq!(host_fault(good, true, None), None, "{good}");
        }
        for bad in
            ["*", "", "http://deck.example", "deck.example/", "*.example", "a.localhost", "a.localhost:2066"]
        {
            assert!(host_fault(bad, true, None).is_some(), "{bad}");
        }
        assert_eq!(host_fault("a.localhost", false, None), None);
        let plugins = PluginOrigin::new("https://{id}.plugins.example").ok();
        for bad in ["a.plugins.example", "A.plugins.example:443", "outboard.plugins.example"] {
            assert!(host_fault(bad, true, plugins.as_ref()).is_some(), "{bad}");
        }
        assert_eq!(host_fault("plugins.example", true, plugins.as_ref()), None);
    }
}
