//! The table of cases. Each looks at one rule; a rule may have several.
//!
//! Read by [`crate::examine`] and [`crate::rules`]. A case knows its rule and nothing of other cases.

mod cancellation;
mod exchange;
mod finding;
mod framing;
mod handshake;
mod life;
mod messages;
mod reading;
mod services;
mod serving;

use std::future::Future;
use std::pin::Pin;

use exchange::Exchange;

pub(crate) use finding::{Finding, Seen};
pub(crate) use life::GATE;
pub(crate) use reading::have_a_conversation;

use crate::record::Record;
use crate::report::Level;
use crate::stage::Stage;

/// A case that talks, under way.
pub(crate) type Looking<'a> = Pin<Box<dyn Future<Output = Finding> + 'a>>;

/// How a case looks.
pub(crate) enum Look {
    /// Talks with a process that need not run well.
    Early(fn(&Stage) -> Looking<'_>),
    /// Talks with a plugin that has answered `start`.
    Running(fn(&Stage) -> Looking<'_>),
    /// Sends something to a plugin that runs, and compares the answers.
    Exchange(Exchange),
    /// Reads the records of all conversations.
    Read(fn(&[Record]) -> Finding),
}

/// One row of the table.
pub(crate) struct Case {
    pub(crate) rule: &'static str,
    /// What people name it by, alone among all cases.
    pub(crate) name: &'static str,
    pub(crate) level: Level,
    /// What a plugin does that passes.
    pub(crate) says: &'static str,
    pub(crate) look: Look,
}

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = handshake::cases();
    cases.extend(framing::cases());
    cases.extend(messages::cases());
    cases.extend(cancellation::cases());
    cases.extend(life::cases());
    cases.extend(serving::cases());
    cases.extend(services::cases());
    cases.extend(reading::cases());
    cases
}

const fn must(rule: &'static str, name: &'static str, says: &'static str, look: Look) -> Case {
    Case { rule, name, level: Level::Must, says, look }
}

const fn should(rule: &'static str, name: &'static str, says: &'static str, look: Look) -> Case {
    Case { rule, name, level: Level::Should, says, look }
}
