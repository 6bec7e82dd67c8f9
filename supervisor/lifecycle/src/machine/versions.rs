//! Which change of version is under way: what a plugin resumes from, and what it can go back to.
//!
//! Kept by the machine. Versions are opaque words here: their order is the installer's business.

/// The change of version under way; both empty when there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    resume_from: Option<String>,
    rollback_to: Option<String>,
}

impl Versions {
    /// Another version was installed. Of several changes before a start, the plugin resumes from the version that
    /// last ran, and goes back to the one that last proved itself.
    pub(super) fn change(&mut self, from: String, to: &str, has_old: bool) {
        let rollback_to = if has_old { self.rollback_to.take().or_else(|| Some(from.clone())) } else { None };
        let resume_from = self.resume_from.take().unwrap_or(from);
        self.rollback_to = rollback_to.filter(|old| old != to);
        self.resume_from = Some(resume_from).filter(|old| old != to);
    }

    /// The version that ran before, until the new one has started once.
    pub(super) fn resume_from(&self) -> Option<&str> {
        self.resume_from.as_deref()
    }

    /// The new version has started.
    pub(super) fn started(&mut self) {
        self.resume_from = None;
    }

    /// The version to go back to, until the new one has proved itself.
    pub(super) fn rollback_to(&self) -> Option<&str> {
        self.rollback_to.as_deref()
    }

    /// The version proved itself, or the old one is back: there is no change under way any more.
    pub(super) fn settle(&mut self) {
        *self = Self::default();
    }
}
