//! Names, version negotiation, errors, and the book of calls.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::collections::HashSet;
use std::time::Duration;

use outboard_protocol::id::{
    Channel, ConfigKey, DatabaseFile, PluginId, RESERVED_IDS, RoutePrefix, is_below,
};
use outboard_protocol::methods::{METHODS, find};
use outboard_protocol::version::{NEWEST, SUPPORTED, Side, negotiate};
use outboard_protocol::wire::pending::Pending;
use outboard_protocol::{ErrorReason, RpcError};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn plugin_ids_are_folder_names_and_path_segments() {
    let longest = "a".repeat(64);
    for good in ["a", "0", "landing-log", "a--b", "x1-", longest.as_str()] {
        assert_eq!(PluginId::new(good).unwrap().as_str(), good);
    }
    let too_long = "a".repeat(65);
    for bad in ["", "-a", "A", "a_b", "a.b", "a/b", "..", "a b", "ä", "a\0", "a\n", too_long.as_str()] {
        assert!(PluginId::new(bad).is_err(), "{bad:?}");
    }
    for reserved in RESERVED_IDS {
        assert!(PluginId::new(reserved).unwrap_err().to_string().contains("belongs to the shell"));
    }
    assert!(PluginId::new("outboard").unwrap_err().to_string().contains("operator's pages"));
}

#[test]
fn route_prefixes_are_plain() {
    for good in [
        "/api/x",
        "/api/x/sw.js",
        "/loadsheet",
        "/a/b.c/d~e_f-1",
        "/v1.0",
        "/files/robots.txt",
        "/apis",
        "/sw",
    ] {
        assert!(RoutePrefix::new(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "/",
        "x",
        "/x/",
        "//x",
        "/x//y",
        "/./x",
        "/../x",
        "/x/..",
        "/%2e",
        "/x?y",
        "/x y",
        "/ä",
        "/_outboard",
        "/_outboard/x",
        "/api",
        // Somebody reads the case of a path as nothing.
        "/API",
        "/API/x",
        "/Api/config",
        "/api/CONFIG",
        "/api/X",
        "/api/outboard",
        "/mcp",
        "/MCP/x",
        // Browsers and crawlers ask every site for these.
        "/favicon.ico",
        "/Favicon.ICO",
        "/robots.txt",
        "/sw.js",
        "/service-worker.js",
        "/manifest.json",
        "/site.webmanifest",
        "/sitemap.xml",
        "/index.html",
        "/apple-touch-icon.png",
    ] {
        assert!(RoutePrefix::new(bad).is_err(), "{bad}");
    }
    for of_the_shell in [
        "/api/config",
        "/api/auth/va/refresh",
        "/api/simulator",
        "/api/flight-events",
        "/api/plugins-config/x",
    ] {
        assert!(RoutePrefix::new(of_the_shell).unwrap().is_the_shells(), "{of_the_shell}");
    }
    for of_a_plugin in ["/api/configs", "/api/x/config", "/config", "/x/api/config"] {
        assert!(!RoutePrefix::new(of_a_plugin).unwrap().is_the_shells(), "{of_a_plugin}");
    }
    assert!(is_below("/a/b", "/a") && is_below("/a", "/a") && !is_below("/ab", "/a"));
}

#[test]
fn channels_are_leaf_names_and_keys_and_files_are_plain() {
    assert!(Channel::new("status-update").is_ok() && Channel::new("ä:b").is_ok());
    assert!(Channel::new("plugin:x:status").unwrap_err().to_string().contains("leaf name"));
    assert!(Channel::new("").is_err() && Channel::new(&"x".repeat(257)).is_err());
    assert!(ConfigKey::new("a.b/c d").is_ok() && ConfigKey::new("a\nb").is_err());
    for bad in ["", ".", "..", "../x", "a/b", "a\\b", "-x", ".x", "x.db-wal", "x-journal", "x-shm", "ä"] {
        assert!(DatabaseFile::new(bad).is_err(), "{bad}");
    }
    assert!(DatabaseFile::new("landing-reports.db").is_ok());
}

#[test]
fn a_refused_name_is_shown_cut_and_with_its_rule() {
    let error = PluginId::new(&"X".repeat(5000)).unwrap_err().to_string();
    assert!(error.len() < 300 && error.contains('…') && error.contains("1 to 64"), "{error}");
}

#[test]
fn the_newest_version_in_common_is_spoken() {
    assert_eq!(negotiate(&[1, 2, 3], &[2, 3, 9]), Ok(3));
    assert_eq!(negotiate(&[3, 1], &[1]), Ok(1));
    assert_eq!(negotiate(SUPPORTED, SUPPORTED), Ok(NEWEST));
}

#[test]
fn without_a_common_version_the_error_has_both_lists_and_the_side_to_upgrade() {
    let plugin_ahead = negotiate(&[1], &[2, 3]).unwrap_err();
    assert_eq!(plugin_ahead.upgrade, Side::Host);
    let host_ahead = negotiate(&[4, 5], &[2, 3]).unwrap_err();
    assert_eq!(host_ahead.upgrade, Side::Plugin);
    let text = host_ahead.to_string();
    assert!(text.contains("4, 5") && text.contains("2, 3") && text.contains("upgrade the plugin"), "{text}");
    assert!(negotiate(&[1], &[]).unwrap_err().to_string().contains("none"));
}

#[test]
fn codes_words_and_method_names_are_each_there_once() {
    let codes: HashSet<i32> = ErrorReason::ALL.iter().map(|reason| reason.code()).collect();
    let words: HashSet<&str> = ErrorReason::ALL.iter().map(|reason| reason.word()).collect();
    assert_eq!((codes.len(), words.len()), (ErrorReason::ALL.len(), ErrorReason::ALL.len()));
    for reason in ErrorReason::ALL {
        assert_eq!(ErrorReason::from_code(reason.code()), Some(*reason));
    }
    let names: HashSet<&str> = METHODS.iter().map(|method| method.name).collect();
    assert_eq!(names.len(), METHODS.len());
    assert!(find("config.get").is_some() && find("config.steal").is_none());
}

#[test]
fn an_error_that_is_not_quite_in_order_is_read_all_the_same() {
    for (text, code, message) in [
        (json!({ "code": -32008, "message": "m", "data": "text" }), -32008, "m"),
        (json!({ "code": "E1", "message": "m" }), -32603, "m"),
        (json!({ "code": 1e30, "message": { "a": 1 } }), -32603, r#"{"a":1}"#),
        (json!({ "code": 5 }), 5, ""),
        (
            json!({ "code": 5, "message": null, "data": { "reason": 7, "retryable": "no", "x": 1 } }),
            5,
            "null",
        ),
    ] {
        let error: RpcError = serde_json::from_value(text.clone()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((error.code, error.message.as_str()), (code, message), "{text}");
    }
    let error = RpcError::new(ErrorReason::Conflict, "taken").with("owner", "x");
    let back: RpcError = serde_json::from_value(serde_json::to_value(&error).unwrap()).unwrap();
    assert_eq!(back, error);
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u64),
    Remove(u64),
    Extend(u64, u64),
    Expire(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u64..50).prop_map(Step::Insert),
        (0u64..30).prop_map(Step::Remove),
        (0u64..30, 0u64..50).prop_map(|(id, at)| Step::Extend(id, at)),
        (0u64..50).prop_map(Step::Expire),
    ]
}

proptest! {
    #[test]
    fn every_call_leaves_the_book_exactly_once_and_never_early(steps in proptest::collection::vec(step(), 0..60)) {
        const CAPACITY: usize = 5;
        let mut book = Pending::new(CAPACITY);
        let mut living: Vec<(u64, u64)> = Vec::new();
        let mut entered = 0u64;
        for step in steps {
            match step {
                Step::Insert(at) => match book.insert(entered, Duration::from_secs(at)) {
                    Ok(id) => {
                        prop_assert!(living.len() < CAPACITY && living.iter().all(|(known, _)| *known != id));
                        living.push((id, at));
                        entered += 1;
                    }
                    Err(full) => prop_assert_eq!((living.len(), full.capacity), (CAPACITY, CAPACITY)),
                },
                Step::Remove(id) => {
                    let known = living.iter().position(|(known, _)| *known == id);
                    prop_assert_eq!(book.remove(id).is_some(), known.is_some());
                    known.map(|at| living.swap_remove(at));
                }
                Step::Extend(id, at) => {
                    let known = living.iter_mut().find(|(known, _)| *known == id);
                    prop_assert_eq!(book.extend(id, Duration::from_secs(at)), known.is_some());
                    if let Some(entry) = known {
                        entry.1 = at;
                    }
                }
                Step::Expire(now) => {
                    while let Some((id, _)) = book.pop_expired(Duration::from_secs(now)) {
                        let at = living.iter().position(|(known, _)| *known == id).unwrap();
                        prop_assert!(living.swap_remove(at).1 <= now);
                    }
                    prop_assert!(living.iter().all(|(_, at)| *at > now));
                }
            }
            prop_assert_eq!(book.len(), living.len());
            let earliest = living.iter().map(|(_, at)| Duration::from_secs(*at)).min();
            prop_assert_eq!(book.next_deadline(), earliest);
        }
        prop_assert_eq!(book.drain().count(), living.len());
        prop_assert!(book.is_empty());
    }
}

#[test]
fn a_plugins_state_is_the_same_word_on_the_wire_and_in_a_sentence() {
    use outboard_protocol::control::PluginState::{self, *};
    for state in [Stopped, Starting, Running, Stopping, BackingOff, Errored, Invalid] {
        let wire = serde_json::to_value(state).unwrap();
        assert_eq!(wire, state.name());
        assert_eq!(state.to_string(), state.name());
        assert_eq!(serde_json::from_value::<PluginState>(wire).unwrap(), state);
    }
    assert!(serde_json::from_str::<PluginState>("\"asleep\"").is_err());
}

#[test]
fn the_book_names_the_only_call_and_every_caller() {
    let mut book = Pending::new(3);
    let told = |book: &Pending<&'static str>| {
        let mut callers: Vec<&str> = book.callers().copied().collect();
        callers.sort_unstable();
        (book.len(), book.only(), callers)
    };
    assert_eq!(told(&book), (0, None, vec![]));
    let first = book.insert("a", Duration::ZERO).unwrap();
    let second = book.insert("b", Duration::ZERO).unwrap();
    assert_eq!(told(&book), (2, None, vec!["a", "b"]));
    assert_eq!(book.caller(second), Some(&"b"));
    assert_eq!(book.remove(first), Some("a"));
    assert_eq!((told(&book), book.caller(first)), ((1, Some(second), vec!["b"]), None));
}

#[test]
fn a_deadline_that_is_moved_is_the_one_that_counts_however_often_it_is_moved() {
    let seconds = Duration::from_secs;
    let mut book = Pending::new(2);
    let slow = book.insert(20, seconds(1)).unwrap();
    let quick = book.insert(3, seconds(2)).unwrap();
    assert_eq!((book.deadline(slow), book.next_deadline()), (Some(seconds(1)), Some(seconds(1))));
    assert!(book.renew(slow, |caller| seconds(*caller)));
    assert_eq!((book.deadline(slow), book.next_deadline()), (Some(seconds(20)), Some(seconds(2))));
    // More often than the book puts up with stale marks.
    for later in 0..1000 {
        assert!(book.extend(quick, seconds(30 + later)));
    }
    assert_eq!((book.deadline(quick), book.next_deadline()), (Some(seconds(1029)), Some(seconds(20))));
    assert_eq!((book.pop_expired(seconds(19)), book.pop_expired(seconds(20))), (None, Some((slow, 20))));
    assert!(!book.renew(slow, |caller| seconds(*caller)) && !book.extend(slow, seconds(1)));
    assert_eq!((book.deadline(slow), book.is_empty()), (None, false));
    assert_eq!(book.drain().collect::<Vec<_>>(), [(quick, 3)]);
    assert_eq!((book.next_deadline(), book.is_empty()), (None, true));
}
