//! What a look at a rule comes to.
//!
//! Told by every case, read by the examination. Must not know how a case looks.

/// What a case saw: that the rule holds or does not apply, or the sentence that says how it is broken.
pub(crate) type Finding = Result<Seen, String>;

/// A rule that was not seen broken.
#[derive(Debug)]
pub(crate) enum Seen {
    Holds,
    /// Why it does not apply to this plugin.
    NotApplicable(String),
}
