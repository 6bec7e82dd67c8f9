//! The public origins of plugins, as `[http] plugin_origin` writes them: `https://{id}.plugins.example`.
//!
//! The binary reads one out of the settings; [`super::names`] asks it who lives where. Must not know local names.

/// What stands for the plugin's label.
const PLACE: &str = "{id}";
/// Longest label of DNS, in bytes.
pub(super) const LABEL_MAX: usize = 63;

/// A pattern with one place for a plugin's label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginOrigin {
    /// Scheme, `://`, and what stands before the label.
    before: String,
    /// What stands after it, with a port that is not the scheme's own.
    after: String,
    scheme_end: usize,
}

impl PluginOrigin {
    /// Reads a pattern. The error says what it must be.
    ///
    /// # Errors
    /// What the pattern must be and is not.
    pub fn new(pattern: &str) -> Result<Self, &'static str> {
        const SHAPE: &str =
            "be an origin with {id} in the first part of its name, such as https://{id}.plugins.example";
        let pattern = pattern.trim_end_matches('/').to_ascii_lowercase();
        let (before, after) = pattern.split_once(PLACE).ok_or(SHAPE)?;
        let (scheme, port) = match before.split_once("://") {
            Some(("https", _)) => ("https", ":443"),
            Some(("http", _)) => ("http", ":80"),
            _ => return Err("begin with https:// or http://"),
        };
        let scheme_end = scheme.len() + 3;
        let after = after.strip_suffix(port).unwrap_or(after);
        let (name, number) = after.split_once(':').map_or((after, None), |(name, port)| (name, Some(port)));
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let mut labels = name.split('.');
        let first = labels.next().unwrap_or_default();
        let others: Vec<&str> = labels.collect();
        let named = plain(&before[scheme_end..])
            && plain(first)
            && !others.is_empty()
            && others.iter().all(|label| !label.is_empty() && plain(label));
        if !named {
            return Err(SHAPE);
        }
        if number.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err("have a number for a port");
        }
        let pattern = Self { before: before.to_owned(), after: after.to_owned(), scheme_end };
        // A hash of a long id must fit as well.
        if pattern.label_max() < super::label::HASHED {
            return Err("leave more room for {id}: the first part of the name has at most 63 letters");
        }
        Ok(pattern)
    }

    /// Whether a host is that of some plugin, whatever the port.
    pub fn covers(&self, host: &str) -> bool {
        let name = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
        cut(&name(host), &self.before[self.scheme_end..], &name(&self.after)).is_some()
    }

    /// How long a plugin's label may be, in bytes.
    pub(super) fn label_max(&self) -> usize {
        let beside = self.before.len() - self.scheme_end + self.after.find('.').unwrap_or(0);
        LABEL_MAX.saturating_sub(beside)
    }

    /// `http` or `https`.
    pub(super) fn scheme(&self) -> &'static str {
        if self.before.starts_with("https:") { "https" } else { "http" }
    }

    /// The origin of a label.
    pub(super) fn origin(&self, label: &str) -> String {
        format!("{}{label}{}", self.before, self.after)
    }

    /// What covers the origins of all labels. A policy has a whole part of a name in place of its star, so what stands beside the label in
    /// that part is left open.
    pub(super) fn every(&self) -> String {
        let rest = self.after.find('.').map_or("", |dot| &self.after[dot..]);
        format!("{}*{rest}", &self.before[..self.scheme_end])
    }

    /// The label that lives at a host.
    pub(super) fn label_at<'h>(&self, host: &'h str) -> Option<&'h str> {
        cut(host, &self.before[self.scheme_end..], &self.after)
    }

    /// The label that lives at an origin.
    pub(super) fn label_of_origin<'o>(&self, origin: &'o str) -> Option<&'o str> {
        cut(origin, &self.before, &self.after)
    }
}

/// What stands between a beginning and an end, ignoring case: one label, or nothing.
fn cut<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let begins = text.get(..before.len())?.eq_ignore_ascii_case(before);
    let rest = text.get(before.len()..)?;
    let at = rest.len().checked_sub(after.len())?;
    let ends = rest.get(at..)?.eq_ignore_ascii_case(after);
    let label = rest.get(..at)?;
    (begins && ends && !label.is_empty() && !label.contains(['.', ':', '/', '@'])).then_some(label)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn a_pattern_gives_each_label_an_origin_and_finds_it_again() {
        let public = PluginOrigin::new("https://{id}.plugins.example:443/").unwrap();
        assert_eq!(public.origin("fleet"), "https://fleet.plugins.example");
        assert_eq!(public.label_at("Fleet.Plugins.example"), Some("Fleet"));
        assert_eq!(public.label_of_origin("https://fleet.plugins.example"), Some("fleet"));
        for foreign in
            ["plugins.example", ".plugins.example", "a.b.plugins.example", "fleet.plugins.example.evil", ""]
        {
            assert_eq!(public.label_at(foreign), None, "{foreign}");
        }
        assert_eq!(public.label_of_origin("http://fleet.plugins.example"), None);
        assert_eq!(public.every(), "https://*.plugins.example");
        let flat = PluginOrigin::new("http://p-{id}-x.example:8080").unwrap();
        assert_eq!(flat.every(), "http://*.example:8080");
        assert_eq!((flat.origin("a").as_str(), flat.label_max()), ("http://p-a-x.example:8080", 59));
    }

    #[test]
    fn a_pattern_covers_its_hosts_at_every_port() {
        let public = PluginOrigin::new("https://{id}.plugins.example:8443").unwrap();
        for host in ["a.plugins.example", "A.plugins.example:8443", "outboard.plugins.example:1"] {
            assert!(public.covers(host), "{host}");
        }
        for host in ["plugins.example", "a.b.plugins.example", "box.lan"] {
            assert!(!public.covers(host), "{host}");
        }
    }

    #[test]
    fn a_pattern_that_could_not_keep_plugins_apart_is_refused() {
        for pattern in [
            "https://plugins.example",
            "https://plugins.{id}.example",
            "https://{id}",
            "https://{id}.{id}.example",
            "{id}.plugins.example",
            "ftp://{id}.plugins.example",
            "https://{id}.plugins.example/x",
            "https://me@{id}.plugins.example",
            "https://{id}.plugins.example:x",
            "https://{id}..example",
            "https://a-name-that-leaves-no-room-for-anything-{id}.example",
        ] {
            assert!(PluginOrigin::new(pattern).is_err(), "{pattern}");
        }
    }
}
