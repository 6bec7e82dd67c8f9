//! Which cases run: all of them, or those that were asked for by a rule's id or by their own name.
//!
//! Called by [`crate::examine`] before anything is started. Must not know how a case looks.

use crate::cases::{self, Case};
use crate::rules::{self, Unseen};

/// How alike a name has to be to be meant, and how many of those are told.
const NEAR: f64 = 0.45;
const TOLD: usize = 6;

/// A word names no case; the sentence says which come near.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownCase(String);

/// The cases that are meant: every one when nothing is asked for.
pub(crate) fn chosen(only: &[String]) -> Result<Vec<Case>, UnknownCase> {
    let mut cases = cases::all();
    if only.is_empty() {
        return Ok(cases);
    }
    if let Some(word) = only.iter().find(|word| !cases.iter().any(|case| names(word, case))) {
        return Err(unknown(word, &cases));
    }
    cases.retain(|case| only.iter().any(|word| names(word, case)));
    Ok(cases)
}

fn names(word: &str, case: &Case) -> bool {
    word.eq_ignore_ascii_case(case.rule) || word == case.name
}

fn unknown(word: &str, cases: &[Case]) -> UnknownCase {
    let reasoned = rules::WITHOUT_CASE.iter().find(|unseen| word.eq_ignore_ascii_case(unseen.rule));
    if let Some(Unseen { rule, reason, .. }) = reasoned {
        return UnknownCase(format!("{rule} has no case: {reason}"));
    }
    let mut known: Vec<&str> = cases.iter().flat_map(|case| [case.rule, case.name]).collect();
    known.sort_unstable();
    known.dedup();
    let mut near: Vec<(f64, &str)> = known.into_iter().map(|name| (likeness(word, name), name)).collect();
    near.retain(|(likeness, _)| *likeness >= NEAR);
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let near: Vec<&str> = near.into_iter().take(TOLD).map(|(_, name)| name).collect();
    let hint = match near.as_slice() {
        [] => "`outboard conform --list` shows all".to_owned(),
        near => format!("near are {}", near.join(", ")),
    };
    UnknownCase(format!("there is no rule and no case {word:?}; {hint}"))
}

fn likeness(word: &str, name: &str) -> f64 {
    let (word, name) = (word.to_ascii_lowercase(), name.to_ascii_lowercase());
    // A part of a name is as near as can be.
    if word.len() > 2 && name.contains(&word) {
        return 1.0;
    }
    strsim::normalized_damerau_levenshtein(&word, &name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that fails here fails loudly

    use std::collections::BTreeSet;

    use super::*;

    fn named(only: &[&str]) -> Vec<&'static str> {
        let only: Vec<String> = only.iter().map(|word| (*word).to_owned()).collect();
        chosen(&only).unwrap().iter().map(|case| case.name).collect()
    }

    fn refused(word: &str) -> String {
        chosen(&[word.to_owned()]).err().map(|unknown| unknown.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_rule_brings_all_its_cases_and_a_name_its_own() {
        assert_eq!(named(&["P-MSG-4"]), ["many-at-once", "notifications-unanswered"]);
        assert_eq!(named(&["p-msg-7", "frame-deep"]), ["frame-deep", "batch"]);
        assert_eq!(named(&["P-MSG-7", "batch"]), ["batch"]);
    }

    #[test]
    fn a_name_means_one_case_and_is_no_rule() {
        let all = cases::all();
        let names: BTreeSet<&str> = all.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), all.len());
        assert!(
            names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '-')),
            "{names:?}"
        );
    }

    #[test]
    fn what_is_unknown_is_answered_with_what_comes_near() {
        assert!(refused("P-MSG-44").contains("near are P-MSG-4"), "{}", refused("P-MSG-44"));
        assert!(refused("oversized").contains("near are frame-oversized"), "{}", refused("oversized"));
        assert!(refused("many-at-onec").contains("near are many-at-once"));
        assert!(refused("xyzzy").contains("--list"), "{}", refused("xyzzy"));
    }

    #[test]
    fn a_rule_without_a_case_is_answered_with_the_reason() {
        assert!(refused("P-SPAWN-3").starts_with("P-SPAWN-3 has no case: needs a terminal"));
    }
}
