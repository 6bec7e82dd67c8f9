//! Which plugin folders `outboard run` insists on: those that somebody named.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use std::process::Stdio;

use supervised::{Supervised, install};
use terminal::{Said, Terminal};

/// What `run` says where it ends by itself; its standard input is closed, so that it ends in any case.
fn run(terminal: &Terminal, words: &[&str]) -> Said {
    let fixed = ["run", "--listen", "127.0.0.1:0", "--exit-with-parent"];
    terminal.types(&[&fixed[..], words].concat())
}

#[test]
fn a_named_folder_that_is_missing_ends_the_run_before_it_begins() {
    let terminal = Terminal::new();
    let typed = run(&terminal, &["--plugins", "pluggins"]);
    assert_eq!(typed.code, 2, "{typed:?}");
    let (meant, missing) = (terminal.path("plugins"), terminal.path("pluggins"));
    for part in ["--plugins", missing.to_str().unwrap(), "does not exist"] {
        assert!(typed.err.contains(part), "{part}: {typed:?}");
    }
    assert!(typed.err.contains(&format!("did you mean {}?", meant.display())), "{typed:?}");
    assert!(!terminal.path("home/.local").exists(), "something was made before the mistake was told");

    let one_of_two = run(&terminal, &["--plugins", "plugins", "--plugins", "elsewhere"]);
    assert!(one_of_two.code == 2 && one_of_two.err.contains("elsewhere"), "{one_of_two:?}");
    assert!(one_of_two.err.contains("make it, or name"), "{one_of_two:?}");

    terminal.write("a-file", "");
    let file = run(&terminal, &["--plugins", "a-file"]);
    assert!(file.code == 2 && file.err.contains("a-file is not a folder"), "{file:?}");
}

#[test]
fn a_plugins_own_folder_is_refused_with_its_parent_named() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let parent = terminal.path("plugins");
    for verb in [&["run", "--listen", "127.0.0.1:0", "--exit-with-parent"][..], &["doctor"]] {
        let said = terminal.types(&[verb, &["--plugins", "plugins/good"]].concat());
        assert!(matches!(said.code, 1 | 2), "{said:?}");
        let told = format!("own folder; name its parent: --plugins {}", parent.display());
        assert!(said.err.contains(&told) || said.out.contains(&told), "{said:?}");
    }
}

#[test]
fn a_missing_folder_in_the_settings_is_told_with_file_and_line() {
    let terminal = Terminal::new();
    terminal.write("home/.config/outboard/outboard.toml", "# mine\nplugin_dirs = [\"nowhere\"]\n");
    let said = run(&terminal, &[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("outboard.toml:2: `plugin_dirs`: the folder"), "{said:?}");
    let doctor = terminal.types(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(doctor.out.contains("nowhere does not exist"), "{doctor:?}");
}

#[test]
fn the_default_folder_is_made_and_a_plugin_put_there_is_found() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let mut child = terminal
        .command(&["run", "--listen", "127.0.0.1:0", "--exit-with-parent", "--ready-json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    let default = terminal.path("home/.local/share/outboard/plugins");
    assert!(default.is_dir(), "{line}");
    std::fs::rename(terminal.path("plugins/good"), default.join("good")).unwrap();
    let (_, lines) = std::sync::mpsc::sync_channel(1);
    let supervised = Supervised { terminal: &terminal, child, lines };
    supervised.until(&["status", "--json"], |status| status["plugins"][0]["state"] == "running");
}

#[test]
fn a_named_folder_that_goes_away_later_ends_nothing() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (supervised, _) = Supervised::ready(&terminal);
    std::fs::remove_dir_all(terminal.path("plugins")).unwrap();
    assert_eq!(terminal.types(&["rescan"]).code, 0);
    supervised.until(&["status", "--json"], |status| status["plugins"].as_array().is_some_and(Vec::is_empty));
}
