//! Which events are traced: the filter of `--trace`, in the syntax of tracing's own targets, and of nothing but what we have.
//!
//! Read from the settings; asked by the log that takes the events. Must not know what an event says.

use toml::Value;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::kind::{Kind, Place, by_type};

/// All that can be traced. Libraries' own events are not among them: their authors never promised to keep secrets out.
const TARGETS: [&str; 3] = ["outboard::step", "outboard::call", "outboard::proxy"];
/// Stands for all of them.
const ALL: &str = "outboard";
const HOW: &str = "give `trace` for everything, or `outboard::step`, `outboard::call` and `outboard::proxy` with commas between, each \
     alone or with `=off` behind it";

/// A filter.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    text: String,
    targets: Targets,
}

impl Trace {
    /// Whether an event of this target is wanted.
    pub(crate) fn wants(&self, target: &str) -> bool {
        TARGETS.contains(&target) && self.targets.would_enable(target, &Level::TRACE)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |directive: &str, why: &str| Err(format!("{directive:?} {why}; {HOW}"));
        for directive in text.split(',') {
            let Ok(one) = directive.parse::<Targets>() else {
                return wrong(directive, "is not a target, a level, or `target=level`");
            };
            let levels = one.iter().map(|(_, level)| level).chain(one.default_level());
            if one.iter().any(|(target, _)| target != ALL && !TARGETS.contains(&target)) {
                return wrong(directive, "names no events that can be traced");
            }
            if levels.into_iter().any(|level| level != LevelFilter::TRACE && level != LevelFilter::OFF) {
                return wrong(directive, "would show nothing: all these events have the level `trace`");
            }
        }
        let Ok(targets) = text.parse() else { return wrong(text, "cannot be read") };
        Ok(Self { text: text.to_owned(), targets })
    }
}

impl Place for Trace {
    fn read(value: Value, _: Kind) -> Result<Self, String> {
        Self::parse(&by_type::<String>(value)?)
    }

    fn written(&self, _: Kind) -> Option<Value> {
        Some(self.text.clone().into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    fn wanted(filter: &str) -> Vec<&'static str> {
        let trace = Trace::parse(filter).unwrap();
        TARGETS.into_iter().filter(|target| trace.wants(target)).collect()
    }

    #[test]
    fn a_filter_takes_what_it_names_and_nothing_of_others() {
        for all in ["trace", "outboard", "outboard=trace", "TRACE"] {
            assert_eq!(wanted(all), TARGETS, "{all}");
        }
        assert_eq!(wanted("outboard::call"), ["outboard::call"]);
        assert_eq!(wanted("outboard::step=trace,outboard::proxy"), ["outboard::step", "outboard::proxy"]);
        assert_eq!(wanted("trace,outboard::proxy=off"), ["outboard::step", "outboard::call"]);
        assert!(!Trace::parse("trace").unwrap().wants("h2::codec"), "a library's events may hold secrets");
    }

    #[test]
    fn a_filter_that_would_show_nothing_is_refused_and_its_wrong_part_is_named() {
        for (filter, part) in [
            ("", "\"\""),
            ("outboard::step,", "\"\""),
            ("outboard::setp", "\"outboard::setp\""),
            ("outboard::step,hyper=trace", "\"hyper=trace\""),
            ("outboard::step=loud", "\"outboard::step=loud\""),
            ("outboard::step=debug", "\"outboard::step=debug\""),
            ("info", "\"info\""),
        ] {
            let why = Trace::parse(filter).unwrap_err();
            assert!(why.starts_with(part) && why.contains("`outboard::step`"), "{filter}: {why}");
        }
    }
}
