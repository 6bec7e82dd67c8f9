//! One service: its claims, its provider, and who is subscribed to what.
//!
//! Kept by the registry, under its lock. Must not know how anybody is reached beyond what a claim holds.

use std::collections::{BTreeMap, BTreeSet};

use outboard_protocol::context::service::ServiceState;
use outboard_protocol::id::{RoutePrefix, ServiceMember, is_below};

use crate::provider::{Choice, Provider, Standing};

/// A consumer's number.
pub(crate) type Key = u64;

/// Somebody who would provide it.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) provider: Provider,
    pub(crate) standing: Standing,
    /// The shell's own paths that come with the service, where this one provides it.
    pub(crate) prefixes: Vec<RoutePrefix>,
}

/// What happened so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) open: u64,
    pub(crate) calls: u64,
    pub(crate) errors: u64,
    pub(crate) events: u64,
    pub(crate) skipped: u64,
    pub(crate) missed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Service {
    pub(crate) chosen: Option<Choice>,
    /// In the order of their coming.
    pub(crate) claims: Vec<Claim>,
    pub(crate) holder: Option<Provider>,
    pub(crate) wanted: BTreeMap<ServiceMember, BTreeSet<Key>>,
    pub(crate) counts: Counts,
    /// What consumers were told last.
    pub(crate) told: Option<ServiceState>,
}

impl Service {
    pub(crate) fn holder(&self) -> Option<&Claim> {
        let holder = self.holder.as_ref()?;
        self.claims.iter().find(|claim| claim.provider == *holder)
    }

    /// The path by which the provider answers this one; the longest, where it has several.
    pub(crate) fn serves(&self, path: &str) -> Option<(&Provider, &RoutePrefix)> {
        let holder = self.holder()?;
        let covering = holder.prefixes.iter().filter(|prefix| is_below(path, prefix.as_str()));
        covering.max_by_key(|prefix| prefix.as_str().len()).map(|prefix| (&holder.provider, prefix))
    }

    /// Whose turn it is, as things are.
    pub(crate) fn choose(&self) -> Option<Provider> {
        let may = |claim: &&Claim| self.chosen.as_ref().is_none_or(|chosen| chosen.is(&claim.provider));
        let holds = |claim: &Claim| self.holder.as_ref() == Some(&claim.provider);
        // The first of the smallest: who is up, whoever goes before pages, whoever has it, whoever came first.
        let best = self
            .claims
            .iter()
            .filter(may)
            .min_by_key(|claim| (!claim.standing.is_up(), claim.provider.rank(), !holds(claim)));
        best.map(|claim| claim.provider.clone())
    }

    /// How it is, and why it is no better.
    pub(crate) fn state(&self) -> (ServiceState, Option<String>) {
        match (self.holder(), &self.chosen) {
            (Some(Claim { standing: Standing::Ready(_), .. }), _) => (ServiceState::Available, None),
            (Some(Claim { standing: Standing::Starting, provider, .. }), _) => {
                (ServiceState::Starting, Some(format!("{provider} provides it and is on its way up")))
            }
            (Some(Claim { standing: Standing::Away(why), provider, .. }), _) => {
                (ServiceState::Unavailable, Some(format!("{provider} provides it and is not there: {why}")))
            }
            (None, Some(chosen)) => (
                ServiceState::Unavailable,
                Some(format!("{chosen} is to provide it by the settings ([services]) and has not come")),
            ),
            (None, None) => (ServiceState::Unprovided, None),
        }
    }

    /// Nothing is known of it that would be lost.
    pub(crate) fn is_idle(&self) -> bool {
        self.chosen.is_none() && self.claims.is_empty() && self.wanted.is_empty() && self.counts.open == 0
    }
}
