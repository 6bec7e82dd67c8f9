//! What whoever asks may reach: the table of docs/decisions/every-plugin-has-an-origin.md.
//!
//! Admission makes one for each request, the front door asks it before it serves anything. Must not know routes.

use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, Method};
use outboard_protocol::PluginId;

use super::asker::Asker;
use super::names::{Family, Names, Site};
use crate::problem::{Kind, Problem};

/// What a browser sends with the script of a service worker.
static SERVICE_WORKER: HeaderName = HeaderName::from_static("service-worker");

/// Who asks, and where.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(super) names: Arc<Names>,
    pub(super) site: Site,
    pub(super) asker: Asker,
    /// Whether the answer becomes a document in a browser.
    pub(super) navigates: bool,
    pub(super) method: Method,
}

/// How a request goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is served here.
    Here,
    /// The browser is sent to this origin.
    To(String),
}

/// Whose part of the bus a client may see.
#[derive(Debug)]
pub(crate) enum Share {
    /// Everybody's.
    All,
    /// The plugin's with this label.
    Of(Arc<Names>, Box<str>),
}

/// Where the pages of plugins are, for somebody who came by this name.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    names: Arc<Names>,
    /// None where all is in one place.
    family: Option<Family>,
}

impl Origins {
    /// A plugin's: an origin, or nothing where all is in one place.
    pub(crate) fn of(&self, id: &str) -> String {
        self.family.map(|family| self.names.origin(family, &self.names.label(id))).unwrap_or_default()
    }

    /// All of them, as a source of a page's policy.
    pub(crate) fn source(&self) -> String {
        self.family.map_or_else(|| "'self'".to_owned(), |family| self.names.every_origin(family))
    }
}

impl Share {
    /// Whether this plugin's part is in it.
    pub(crate) fn has(&self, plugin: &PluginId) -> bool {
        match self {
            Share::All => true,
            Share::Of(names, label) => *names.label(plugin.as_str()) == **label,
        }
    }
}

impl Caller {
    /// Whether something of a plugin's is served here: its API, or a file of its UI.
    pub(crate) fn way_to_plugin(&self, id: &str) -> Result<Way, Problem> {
        if !self.names.isolated() {
            return Ok(Way::Here);
        }
        let home = self.is_home_of(id);
        if self.navigates && !home {
            return self.sent_on(|family| self.names.origin(family, &self.names.label(id)));
        }
        let served = home || matches!(self.site, Site::Bare { .. });
        let may = match &self.asker {
            Asker::Program | Asker::Listed => true,
            Asker::Navigation => home,
            Asker::Plugin(label) => *self.names.label(id) == **label,
            Asker::Operator | Asker::Bare => false,
        };
        if served && may { Ok(Way::Here) } else { Err(self.refused(&format!("what belongs to plugin {id}"))) }
    }

    /// Whether a file of a plugin's is served here. The operator's pages get pictures and sounds of every plugin, which they show and play,
    /// and nothing else.
    pub(crate) fn way_to_file(&self, id: &str, shown_or_played: bool) -> Result<Way, Problem> {
        let operator = matches!(self.asker, Asker::Operator) && self.is_home_of(id) && !self.navigates;
        if shown_or_played && operator { Ok(Way::Here) } else { self.way_to_plugin(id) }
    }

    /// Whether a path of the shell's is served here, which `provider` answers if anybody does: to programs, and to every plugin's pages
    /// under its own name, since what a service gives is for all of them.
    pub(crate) fn way_to_service(&self, provider: Option<&str>) -> Result<Way, Problem> {
        if !self.names.isolated() {
            return Ok(Way::Here);
        }
        let home = provider.is_some_and(|id| self.is_home_of(id));
        if let Some(provider) = provider.filter(|_| self.navigates && !home) {
            return self.sent_on(|family| self.names.origin(family, &self.names.label(provider)));
        }
        let may = match (&self.site, &self.asker) {
            (Site::Bare { .. } | Site::Plugin(..), Asker::Program | Asker::Listed)
            | (Site::Bare { .. }, Asker::Plugin(_)) => true,
            (Site::Plugin(_, here), Asker::Plugin(label)) => here == label,
            (_, Asker::Navigation) => home,
            _ => false,
        };
        if may { Ok(Way::Here) } else { Err(self.refused("what the shell's services answer")) }
    }

    /// Whether a plugin's shell page is served here; everybody else is told where it is.
    pub(crate) fn way_to_shell(&self, id: &str) -> Result<Way, Problem> {
        let way = self.way_to_plugin(id)?;
        let elsewhere = self.names.isolated() && !self.is_home_of(id);
        if way == Way::Here && elsewhere {
            return self.sent_on(|family| self.names.origin(family, &self.names.label(id)));
        }
        Ok(way)
    }

    /// Whether what concerns all plugins is served here: the operator's pages, and health.
    pub(crate) fn way_to_operator(&self) -> Result<Way, Problem> {
        if !self.names.isolated() {
            return Ok(Way::Here);
        }
        match (&self.site, &self.asker) {
            (Site::Operator(_), Asker::Navigation | Asker::Operator | Asker::Program | Asker::Listed)
            | (Site::Bare { .. }, Asker::Program | Asker::Listed) => Ok(Way::Here),
            (Site::Bare { .. } | Site::Plugin(..), Asker::Navigation) => {
                self.sent_on(|family| self.names.operator(family))
            }
            _ => Err(self.refused("the operator's pages")),
        }
    }

    /// Whose part of the bus is open to whoever asks.
    pub(crate) fn share_of_bus(&self) -> Result<Share, Problem> {
        if !self.names.isolated() {
            return Ok(Share::All);
        }
        let of = |label: &str| Ok(Share::Of(Arc::clone(&self.names), label.into()));
        match (&self.site, &self.asker) {
            (Site::Bare { .. }, Asker::Program | Asker::Listed)
            | (Site::Operator(_), Asker::Operator | Asker::Program) => Ok(Share::All),
            (Site::Bare { .. }, Asker::Plugin(label)) => of(label),
            (Site::Plugin(_, here), Asker::Program | Asker::Listed) => of(here),
            (Site::Plugin(_, here), Asker::Plugin(label)) if here == label => of(here),
            _ => Err(self.refused("the bus")),
        }
    }

    /// Refuses the script of a service worker anywhere but below the plugin's own id, at its own host: its scope would be
    /// everything beside it. `id` is the plugin's that the path belongs to, if it is one's.
    pub(crate) fn check_worker(
        &self,
        headers: &HeaderMap,
        path: &str,
        id: Option<&str>,
    ) -> Result<(), Problem> {
        if !headers.contains_key(&SERVICE_WORKER) {
            return Ok(());
        }
        let below = id.is_some_and(|id| {
            let rest = path.strip_prefix("/api/").and_then(|rest| rest.strip_prefix(id));
            rest.is_some_and(|rest| rest.starts_with('/')) && (!self.names.isolated() || self.is_home_of(id))
        });
        if below {
            return Ok(());
        }
        let detail = "A service worker's script is served below /api/<id>/ of its own plugin alone, so that it answers for nobody else.";
        Err(Problem::new(Kind::OriginNotAllowed, detail))
    }

    /// Whether this is the host of the plugin's own pages.
    pub(crate) fn is_home_of(&self, id: &str) -> bool {
        matches!(&self.site, Site::Plugin(_, label) if *self.names.label(id) == **label)
    }

    /// The label of the plugin whose host this is.
    pub(crate) fn home(&self) -> Option<&str> {
        match &self.site {
            Site::Plugin(_, label) => Some(label),
            _ => None,
        }
    }

    /// By which scheme whoever asks has come.
    pub(crate) fn scheme(&self) -> &'static str {
        self.names.scheme(&self.site)
    }

    /// Whether the answer becomes a document.
    pub(crate) fn navigates(&self) -> bool {
        self.navigates
    }

    /// Whether the cookies at this name are not for plugin `id`, or for the host application: a plugin's page asks by a name that is nobody's
    /// in particular, or by the name of another.
    pub(crate) fn hides_cookies_from(&self, id: Option<&str>) -> bool {
        match (&self.site, &self.asker) {
            (Site::Bare { .. }, Asker::Plugin(_)) => true,
            (Site::Plugin(..), _) => self.names.isolated() && !id.is_some_and(|id| self.is_home_of(id)),
            _ => false,
        }
    }

    /// Whether plugins have origins of their own.
    pub(crate) fn isolated(&self) -> bool {
        self.names.isolated()
    }

    /// Where the pages of plugins are, as seen from here.
    pub(crate) fn origins(&self) -> Origins {
        Origins { names: Arc::clone(&self.names), family: self.family().filter(|_| self.names.isolated()) }
    }

    /// Where a plugin's pages are, as seen from here: an origin, or nothing where all is in one place.
    pub(crate) fn origin_of(&self, id: &str) -> String {
        self.origins().of(id)
    }

    /// Whether this is the host of the operator's pages, which serves no plugin's bytes.
    pub(crate) fn is_operators_host(&self) -> bool {
        matches!(self.site, Site::Operator(_))
    }

    /// Where the operator's pages are, in the same way.
    pub(crate) fn operator_origin(&self) -> String {
        let family = self.family().filter(|_| self.names.isolated());
        family.map(|family| self.names.operator(family)).unwrap_or_default()
    }

    /// A plugin's label.
    pub(crate) fn label<'i>(&self, id: &'i str) -> std::borrow::Cow<'i, str> {
        self.names.label(id)
    }

    /// Which pages may hold a plugin's page in a frame: `frame-ancestors` of its policy.
    pub(crate) fn frame_ancestors(&self) -> String {
        let mut sources = "frame-ancestors 'self'".to_owned();
        let operator = self.operator_origin();
        for source in std::iter::once(operator.as_str()).chain(self.names.listed()) {
            if !source.is_empty() {
                sources.push(' ');
                sources.push_str(source);
            }
        }
        sources
    }

    fn family(&self) -> Option<Family> {
        match &self.site {
            Site::Bare { family, .. } => *family,
            Site::Operator(family) | Site::Plugin(family, _) => Some(*family),
        }
    }

    /// Sends a browser to another origin, if there is one.
    fn sent_on(&self, to: impl FnOnce(Family) -> String) -> Result<Way, Problem> {
        if !matches!(self.method, Method::GET | Method::HEAD) {
            return Err(self.refused("a form's target at another host than the plugin's own"));
        }
        self.family().map(|family| Way::To(to(family))).ok_or_else(|| {
            let detail = "Pages are not served under this name, where every plugin's would share one origin. Set plugin_origin \
                 below [http], or isolate_origins = false and read docs/SECURITY.md first.";
            Problem::new(Kind::OriginNotAllowed, detail)
        })
    }

    /// Refuses the first page of a plugin's host to pages of others, who are not to learn whether there is such a plugin.
    pub(crate) fn check_home(&self) -> Result<(), Problem> {
        match (&self.site, &self.asker) {
            (Site::Plugin(..), Asker::Operator | Asker::Bare) => Err(self.refused("the host of a plugin")),
            (Site::Plugin(_, home), Asker::Plugin(label)) if home != label => {
                Err(self.refused("the host of a plugin"))
            }
            _ => Ok(()),
        }
    }

    /// What is said in place of a sentence about what is not there: a page is not to learn which plugins there are and what they
    /// have.
    pub(crate) fn not_there(&self, problem: Problem) -> Problem {
        let tells = problem.kind() == Kind::NotFound && self.names.isolated() && self.is_page();
        if tells { self.refused("that") } else { problem }
    }

    /// Whether a page asks that has no business beyond its own plugin.
    fn is_page(&self) -> bool {
        matches!(self.asker, Asker::Plugin(_) | Asker::Bare)
    }

    fn refused(&self, what: &str) -> Problem {
        // Pages hear the same sentence whatever they asked for.
        let what = if self.is_page() { "what is not its own plugin's, or is not there," } else { what };
        let whose = match &self.asker {
            Asker::Program => "A program",
            Asker::Navigation => "A page",
            Asker::Plugin(_) => "A plugin's page",
            Asker::Operator => "The operator's page",
            Asker::Listed => "A page of allowed_origins",
            Asker::Bare => "A page at a name that is not a plugin's",
        };
        let place = match &self.site {
            Site::Bare { .. } => "a name that is not a plugin's",
            Site::Operator(_) => "the host of the operator's pages",
            Site::Plugin(..) => "a plugin's own host",
        };
        let detail =
            format!("{whose} does not reach {what} at {place}; docs/SECURITY.md says who reaches what.");
        Problem::new(Kind::OriginNotAllowed, detail).closing()
    }
}

/// Where a browser that is sent on goes: the same path at another origin.
pub(crate) fn address(origin: &str, target: Option<&PathAndQuery>) -> String {
    format!("{origin}{}", target.map_or("/", PathAndQuery::as_str))
}
