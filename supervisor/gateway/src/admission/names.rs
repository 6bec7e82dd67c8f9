//! By which names we may be called, and who lives at each: the defence against DNS rebinding, and the map of origins.
//!
//! A page of a foreign name that resolves to 127.0.0.1 is "same origin" to its browser; only the Host header tells. What the
//! names mean stands in docs/decisions/every-plugin-has-an-origin.md. Must not know requests.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderValue;
use outboard_protocol::id::OPERATOR_LABEL;

use super::cors::Cors;
use super::label;
use super::plugin_origin::{LABEL_MAX, PluginOrigin};
use crate::options::GatewayOptions;
use crate::socket::Address;

/// The names that lead to this machine alone, and below which plugins have theirs.
const LOCAL: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];
/// What browsers resolve to this machine by themselves, and trust without TLS.
const LOCAL_SUFFIX: &str = ".localhost";

/// Every name by which we may be called.
#[derive(Debug)]
pub(crate) struct Names {
    bare: Vec<Bare>,
    isolated: bool,
    /// The ports of `*.localhost`; `None` is the one that browsers leave out.
    ports: Vec<Option<u16>>,
    public: Option<PluginOrigin>,
    label_max: usize,
    listed: Vec<HeaderValue>,
}

/// A name that is nobody's in particular.
#[derive(Debug)]
struct Bare {
    /// As it stands in a Host header.
    host: String,
    /// Whether it leads to this machine alone, so that browsers mark what they send there.
    trusted: bool,
    /// Where browsers that come by it are sent.
    family: Option<Family>,
}

/// Names that belong together: who came by one of them is sent to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// `<label>.localhost` with this port.
    Local(Option<u16>),
    /// The operator's own.
    Public,
}

/// What a Host header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Site {
    /// A name that is nobody's in particular; browsers that come by it are sent to the family's names, if it has one.
    Bare { family: Option<Family>, trusted: bool },
    /// The operator's pages.
    Operator(Family),
    /// The plugin with this label.
    Plugin(Family, Box<str>),
}

/// Who lives at an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resident {
    /// The plugin with this label.
    Plugin(Family, Box<str>),
    /// The operator's pages.
    Operator(Family),
    /// One of our names that is nobody's in particular, and whether it leads to this machine alone.
    Bare { trusted: bool },
    /// A page that the operator listed.
    Listed,
}

impl Site {
    /// Whether its name leads to this machine alone, so that browsers mark what they send there.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Bare { trusted, .. } => *trusted,
            Self::Operator(family) | Self::Plugin(family, _) => matches!(family, Family::Local(_)),
        }
    }
}

impl Names {
    pub(crate) fn new(options: &GatewayOptions, listen: SocketAddr) -> Self {
        let isolated = options.isolate_origins;
        let public = options.plugin_origin.clone().filter(|_| isolated);
        let elsewhere = public.as_ref().map(|_| Family::Public);
        let port = Some(listen.port()).filter(|port| *port != 80);
        let mut names = Self {
            bare: Vec::new(),
            isolated,
            ports: Vec::new(),
            label_max: public.as_ref().map_or(LABEL_MAX, PluginOrigin::label_max),
            public,
            listed: options.allowed_origins.iter().filter_map(|origin| listed(origin)).collect(),
        };
        for name in LOCAL {
            names.add(name, Some(listen.port()), elsewhere);
            if port.is_none() {
                // Port 80 is left out of Host by every client.
                names.add(name, None, elsewhere);
            }
        }
        let own = match listen.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        if !listen.ip().is_unspecified() && !LOCAL.contains(&own.as_str()) {
            names.add(&own, Some(listen.port()), elsewhere);
            if port.is_none() {
                names.add(&own, None, elsewhere);
            }
        }
        for name in &options.allowed_hosts {
            let (name, written) = split(name);
            names.add(name, written, elsewhere);
            if written.is_none() {
                names.add(name, Some(listen.port()), elsewhere);
            }
        }
        names
    }

    fn add(&mut self, name: &str, port: Option<u16>, elsewhere: Option<Family>) {
        let name = name.to_ascii_lowercase();
        let loopback = name.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
        let local = LOCAL.contains(&name.as_str());
        let browsers = port.filter(|port| *port != 80);
        if local && self.isolated && !self.ports.contains(&browsers) {
            self.ports.push(browsers);
        }
        let family = if local { Some(Family::Local(browsers)) } else { elsewhere };
        let host = port.map_or_else(|| name.clone(), |port| format!("{name}:{port}"));
        self.bare.push(Bare { host, trusted: local || loopback, family: family.filter(|_| self.isolated) });
    }

    /// Whether plugins have origins of their own.
    pub(crate) fn isolated(&self) -> bool {
        self.isolated
    }

    /// Every name that is nobody's in particular, for whoever was refused.
    pub(crate) fn told(&self) -> String {
        self.bare.iter().map(|bare| bare.host.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What a Host header says; `None` where it is not one of our names.
    pub(crate) fn site(&self, host: &str) -> Option<Site> {
        if let Some(bare) = self.bare.iter().find(|bare| bare.host.eq_ignore_ascii_case(host)) {
            return Some(Site::Bare { family: bare.family, trusted: bare.trusted });
        }
        let (family, label) = self.local_label(host).or_else(|| {
            let label = self.public.as_ref()?.label_at(host)?;
            Some((Family::Public, label))
        })?;
        let label = label.to_ascii_lowercase();
        Some(if label == OPERATOR_LABEL {
            Site::Operator(family)
        } else {
            Site::Plugin(family, label.into())
        })
    }

    fn local_label<'h>(&self, host: &'h str) -> Option<(Family, &'h str)> {
        if !self.isolated {
            return None;
        }
        let (name, port) = split(host);
        let at = name.len().checked_sub(LOCAL_SUFFIX.len())?;
        let ends = name.get(at..)?.eq_ignore_ascii_case(LOCAL_SUFFIX);
        let label = name.get(..at)?;
        let plain =
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let port = port.filter(|port| *port != 80);
        (ends && plain && self.ports.contains(&port)).then_some((Family::Local(port), label))
    }

    /// Who lives at an origin; `None` for everybody whom we do not know.
    pub(crate) fn resident(&self, origin: &str) -> Option<Resident> {
        let ours = origin.strip_prefix("http://").and_then(|host| match self.site(host)? {
            Site::Bare { trusted, .. } => Some(Resident::Bare { trusted }),
            // Public names are looked at below, with their scheme.
            Site::Operator(Family::Public) | Site::Plugin(Family::Public, _) => None,
            Site::Operator(family) => Some(Resident::Operator(family)),
            Site::Plugin(family, label) => Some(Resident::Plugin(family, label)),
        });
        let public = || {
            let label = self.public.as_ref()?.label_of_origin(origin)?.to_ascii_lowercase();
            Some(if label == OPERATOR_LABEL {
                Resident::Operator(Family::Public)
            } else {
                Resident::Plugin(Family::Public, label.into())
            })
        };
        let listed =
            || self.listed.iter().any(|listed| listed.as_bytes().eq_ignore_ascii_case(origin.as_bytes()));
        ours.or_else(public).or_else(|| listed().then_some(Resident::Listed))
    }

    /// Who lives at an origin and may ask at a site. The names that lead to "this machine" lead to the visitor's, which is another
    /// than ours where the site has a name for other machines: whoever lives there is nobody whom we know.
    pub(crate) fn resident_at(&self, site: &Site, origin: &str) -> Option<Resident> {
        let local = site.is_local();
        self.resident(origin).filter(|resident| match resident {
            Resident::Plugin(Family::Local(_), _) | Resident::Operator(Family::Local(_)) => local,
            Resident::Bare { trusted } => *trusted == local,
            // Whoever stands in front of us may call us by a local name.
            Resident::Plugin(Family::Public, _) | Resident::Operator(Family::Public) => {
                !local || matches!(site, Site::Bare { .. })
            }
            Resident::Listed => true,
        })
    }

    /// By which scheme browsers come to a site, as far as its name tells.
    pub(crate) fn scheme(&self, site: &Site) -> &'static str {
        match (site, &self.public) {
            (Site::Operator(Family::Public) | Site::Plugin(Family::Public, _), Some(public)) => {
                public.scheme()
            }
            _ => "http",
        }
    }

    /// What is said of origins to whoever sends none: where pages of other origins are answered as well, a cache must not give
    /// them the answer that this one gets.
    pub(crate) fn unasked(&self, site: &Site) -> Cors {
        let others = matches!(site, Site::Bare { .. }) || !self.listed.is_empty();
        if others { Cors::Varies } else { Cors::NotAsked }
    }

    /// The origin of a label.
    pub(crate) fn origin(&self, family: Family, label: &str) -> String {
        match (family, &self.public) {
            (Family::Public, Some(public)) => public.origin(label),
            (Family::Local(Some(port)), _) => format!("http://{label}{LOCAL_SUFFIX}:{port}"),
            _ => format!("http://{label}{LOCAL_SUFFIX}"),
        }
    }

    /// What covers the origin of every label, as a page's policy has it.
    pub(crate) fn every_origin(&self, family: Family) -> String {
        match (family, &self.public) {
            (Family::Public, Some(public)) => public.every(),
            _ => self.origin(family, "*"),
        }
    }

    /// Where a browser on this machine finds the operator's pages.
    pub(crate) fn pages_origin(&self, listen: &Address) -> Option<String> {
        self.origin_here(listen, OPERATOR_LABEL)
    }

    /// Where it finds a plugin's.
    pub(crate) fn plugin_pages_origin(&self, listen: &Address, id: &str) -> Option<String> {
        self.origin_here(listen, &self.label(id))
    }

    /// Where a browser on this machine finds a label's pages: `*.localhost` leads to the loopback alone.
    fn origin_here(&self, listen: &Address, label: &str) -> Option<String> {
        let tcp = match listen {
            Address::Tcp(address) => Some(*address),
            // Whoever stands in front of a Unix socket gives it its names.
            Address::Unix(_) => None,
        };
        if !self.isolated {
            return tcp.map(|address| format!("http://{address}"));
        }
        let here = |ip: IpAddr| ip.is_unspecified() || ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST;
        let local = tcp
            .filter(|address| here(address.ip()))
            .map(|address| Family::Local(Some(address.port()).filter(|port| *port != 80)));
        local.or(self.public.as_ref().map(|_| Family::Public)).map(|family| self.origin(family, label))
    }

    /// The operator's origin.
    pub(crate) fn operator(&self, family: Family) -> String {
        self.origin(family, OPERATOR_LABEL)
    }

    /// The label of a plugin.
    pub(crate) fn label<'i>(&self, id: &'i str) -> Cow<'i, str> {
        label::of(id, self.label_max)
    }

    /// The origins that the operator listed.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &str> {
        self.listed.iter().filter_map(|origin| origin.to_str().ok())
    }
}

/// What is not a header value can never be sent, so nothing is lost with it.
fn listed(origin: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(origin.trim_end_matches('/')).ok()
}

/// A host as name and port.
fn split(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.ends_with(':') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (host, None),
        },
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    fn names(change: impl FnOnce(&mut GatewayOptions)) -> Names {
        let mut options = GatewayOptions::default();
        change(&mut options);
        Names::new(&options, ([127, 0, 0, 1], 2066).into())
    }

    fn plugin(family: Family, label: &str) -> Option<Site> {
        Some(Site::Plugin(family, label.into()))
    }

    #[test]
    fn a_host_belongs_to_a_plugin_to_the_operator_or_to_nobody_in_particular() {
        let names = names(|options| {
            options.allowed_hosts = vec!["localhost:8080".to_owned(), "box.lan".to_owned()];
            options.plugin_origin = PluginOrigin::new("https://{id}.plugins.example").ok();
        });
        let local = Family::Local(Some(2066));
        assert_eq!(names.site("Fleet.localhost:2066"), plugin(local, "fleet"));
        assert_eq!(names.site("fleet.localhost:8080"), plugin(Family::Local(Some(8080)), "fleet"));
        assert_eq!(names.site("fleet.plugins.example"), plugin(Family::Public, "fleet"));
        assert_eq!(names.site("outboard.localhost:2066"), Some(Site::Operator(local)));
        assert_eq!(names.site("outboard.plugins.example"), Some(Site::Operator(Family::Public)));
        assert_eq!(
            names.site("box.lan:2066"),
            Some(Site::Bare { family: Some(Family::Public), trusted: false })
        );
        assert_eq!(names.site("[::1]:2066"), Some(Site::Bare { family: Some(local), trusted: true }));
        for foreign in [
            "fleet.localhost",
            "fleet.localhost:1",
            "a.b.localhost:2066",
            ".localhost:2066",
            "fleet.localhost.:2066",
            "fleet.localhost:02066x",
            "fleet.localhost.evil:2066",
            "plugins.example",
            "127.0.0.1",
            "",
        ] {
            assert_eq!(names.site(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn an_origin_has_the_resident_of_its_host_under_its_own_scheme_alone() {
        let names = names(|options| {
            options.plugin_origin = PluginOrigin::new("https://{id}.plugins.example").ok();
            // A plugin stays one, whatever the list says.
            options.allowed_origins = vec!["app://shell".to_owned(), "http://a.localhost:2066".to_owned()];
        });
        let local = Family::Local(Some(2066));
        assert_eq!(names.resident("http://a.localhost:2066"), Some(Resident::Plugin(local, "a".into())));
        assert_eq!(
            names.resident("https://a.plugins.example"),
            Some(Resident::Plugin(Family::Public, "a".into()))
        );
        assert_eq!(names.resident("http://127.0.0.1:2066"), Some(Resident::Bare { trusted: true }));
        assert_eq!(names.resident("app://shell"), Some(Resident::Listed));
        for foreign in ["http://a.plugins.example", "https://a.localhost:2066", "null", "http://evil", ""] {
            assert_eq!(names.resident(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn pages_of_the_visitors_own_machine_are_nobodys_where_the_site_is_another_machines() {
        let change = |options: &mut GatewayOptions| {
            options.plugin_origin = PluginOrigin::new("https://{id}.plugins.example").ok();
            options.allowed_hosts = vec!["box.lan".to_owned()];
            options.allowed_origins = vec!["app://shell".to_owned()];
        };
        for (isolated, origin, sites) in [
            (true, "http://a.localhost:2066", "a.localhost:2066 127.0.0.1:2066"),
            (true, "http://outboard.localhost:2066", "a.localhost:2066 127.0.0.1:2066"),
            (true, "http://localhost:2066", "a.localhost:2066 127.0.0.1:2066"),
            (true, "https://a.plugins.example", "127.0.0.1:2066 box.lan:2066 a.plugins.example"),
            (true, "http://box.lan:2066", "box.lan:2066 a.plugins.example"),
            (true, "app://shell", "a.localhost:2066 127.0.0.1:2066 box.lan:2066 a.plugins.example"),
            (false, "http://localhost:2066", "127.0.0.1:2066"),
            (false, "http://box.lan:2066", "box.lan:2066"),
        ] {
            let names = names(|options| {
                change(options);
                options.isolate_origins = isolated;
            });
            let all = ["a.localhost:2066", "127.0.0.1:2066", "box.lan:2066", "a.plugins.example"];
            let known =
                |host: &&str| names.site(host).is_some_and(|site| names.resident_at(&site, origin).is_some());
            let found: Vec<&str> = all.into_iter().filter(known).collect();
            assert_eq!(found.join(" "), sites, "{origin}, isolated: {isolated}");
        }
    }

    #[test]
    fn without_isolation_no_plugin_has_a_host() {
        let names = names(|options| options.isolate_origins = false);
        assert_eq!(names.site("a.localhost:2066"), None);
        assert_eq!(names.site("localhost:2066"), Some(Site::Bare { family: None, trusted: true }));
    }
}
