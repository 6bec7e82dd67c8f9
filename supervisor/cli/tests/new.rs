//! `outboard new`: what it makes is a plugin that keeps the protocol and answers, with nothing done to it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use supervised::{Supervised, get};
use terminal::Terminal;

/// The languages, each with the programs that it takes.
const LANGUAGES: [(&str, &[&str]); 4] =
    [("js", &["node"]), ("ts", &["node"]), ("py", &["python3"]), ("bash", &["bash", "jq", "perl"])];

/// Those whose programs are here.
fn languages() -> Vec<&'static str> {
    let there = |program: &&str| -> bool {
        std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|dir| dir.join(program).is_file())
    };
    let (here, missing): (Vec<_>, Vec<_>) =
        LANGUAGES.into_iter().partition(|(_, programs)| programs.iter().all(there));
    for (language, programs) in missing {
        eprintln!("not run: {language}, which takes {programs:?}");
    }
    here.into_iter().map(|(language, _)| language).collect()
}

#[test]
fn a_new_plugin_in_any_language_is_in_order_runs_and_answers() {
    let terminal = Terminal::new();
    for language in languages() {
        let folder = format!("plugins/my-{language}");
        let made = terminal.types(&["new", &folder, "--language", language]);
        assert_eq!(made.code, 0, "{made:?}");
        assert!(made.out.contains("    outboard run --plugins plugins\n"), "{made:?}");
        assert!(
            made.out.contains(&format!("    curl http://127.0.0.1:2066/api/my-{language}/\n")),
            "{made:?}"
        );
        let checked = terminal.types(&["check", &folder]);
        assert_eq!(checked.code, 0, "{checked:?}");
    }
    let (_supervised, ready) = Supervised::ready(&terminal);
    let listen = ready["listen"].as_str().unwrap();
    for language in languages() {
        let id = format!("my-{language}");
        let answer = get(listen, &format!("/api/{id}/"));
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("world"), "{id}: {answer}: {ready}");
        let called = terminal.types(&["call", &id, "greet", "you"]);
        assert_eq!((called.code, called.out.trim()), (0, "\"Hello, you!\""), "{id}: {called:?}");
        assert_eq!(terminal.types(&["call", &id, "greet"]).out.trim(), "\"Hello, world!\"", "{id}");
        let why = terminal.types(&["why", &id]);
        assert!(why.out.contains("not ended unexpectedly"), "{why:?}");
        let stopped = terminal.types(&["stop", &id]);
        assert_eq!(stopped.code, 0, "{stopped:?}");
    }
}

#[test]
fn a_new_plugin_in_any_language_keeps_the_protocol() {
    let terminal = Terminal::new();
    for language in languages() {
        let name = format!("my-{language}");
        assert_eq!(terminal.types(&["new", &name, "-l", language]).code, 0);
        let said = terminal.types(&["conform", &name]);
        assert_eq!(said.code, 0, "{language}: {said:?}");
    }
}

#[test]
fn nothing_is_overwritten_and_a_name_that_is_no_id_makes_nothing() {
    let terminal = Terminal::new();
    let here = terminal.write("mine/notes", "dear");
    let said = terminal.types(&["new", "mine"]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.err.contains("nothing is overwritten"), "{said:?}");
    assert_eq!(std::fs::read_dir(here.parent().unwrap()).unwrap().count(), 1);
    for name in ["My Plugin", "auth", "..", "/"] {
        let said = terminal.types(&["new", name]);
        assert_eq!(said.code, 2, "{name}: {said:?}");
        assert!(!terminal.path("My Plugin").exists(), "{said:?}");
    }
    assert!(terminal.types(&["new", "My Plugin"]).err.contains("such as my-plugin"));
    let rust = terminal.types(&["new", "mine-too", "--language", "rust"]);
    assert_eq!(rust.code, 2, "{rust:?}");
    assert!(rust.err.contains("js, ts, py, bash"), "{rust:?}");
}
