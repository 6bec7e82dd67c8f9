//! `outboard run` and the verbs that ask it: through the built binary, with plugins that are processes.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use supervised::{Supervised, install};
use terminal::Terminal;

#[test]
fn ready_json_is_one_line_with_everything_a_parent_needs() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    terminal.write("plugins/broken/plugin.json", "{");
    let (supervised, ready) = Supervised::ready(&terminal);
    assert!(ready["listen"].as_str().unwrap().starts_with("127.0.0.1:"), "{ready}");
    assert!(!ready["listen"].as_str().unwrap().ends_with(":0"), "{ready}");
    assert_eq!(ready["keeperPid"], supervised.child.id(), "{ready}");
    assert_ne!(ready["pid"], ready["keeperPid"], "{ready}");
    assert_eq!(ready["runtimeDir"], terminal.path("runtime/outboard").to_str().unwrap(), "{ready}");
    assert_eq!(ready["dataDir"], terminal.path("data").to_str().unwrap(), "{ready}");
    let states: Vec<_> =
        ready["plugins"].as_array().unwrap().iter().map(|one| (&one["id"], &one["state"])).collect();
    assert_eq!(states, [(&"broken".into(), &"invalid".into()), (&"good".into(), &"running".into())]);
    assert!(ready["plugins"][0]["cause"].as_str().unwrap().contains("plugin.json:1"), "{ready}");

    let status = terminal.types(&["status", "--json"]).json();
    assert_eq!((&status["listen"], &status["pid"]), (&ready["listen"], &ready["pid"]));
    for member in ["id", "state", "phase", "cause", "pid", "generation", "restarts", "routes", "since"] {
        assert!(status["plugins"][1].get(member).is_some(), "{member} is missing: {status}");
    }
    supervised.signal("TERM");
    assert!(supervised.lines.recv_timeout(supervised::PATIENCE).is_err(), "a second line was said");
}

#[test]
fn the_summary_tells_each_plugin_and_ends_with_a_ready_line() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    terminal.write("plugins/broken/plugin.json", "{\n\n\"id\": 5}");
    terminal.write(
        "plugins/lost/plugin.json",
        r#"{"id":"lost","name":"Lost","version":"1.0.0","run":{"command":["./nowhere"]}}"#,
    );
    let supervised = Supervised::start(&terminal, &[]);
    let said: Vec<String> = (0..6).map(|_| supervised.line()).collect();
    assert!(said[0].contains("1 of 3 plugins are running"), "{said:?}");
    assert!(
        said[1].contains("broken") && said[1].contains("invalid") && said[1].contains("plugin.json:3:"),
        "{said:?}"
    );
    assert!(said[2].contains("good") && said[2].contains("running"), "{said:?}");
    assert!(
        said[3].contains("lost") && said[3].contains("errored") && said[3].contains("lost/nowhere"),
        "{said:?}"
    );
    assert!(said[4].starts_with("pages at http://outboard.localhost:"), "{said:?}");
    assert!(said[5].starts_with("ready at http://127.0.0.1:"), "{said:?}");
}

#[test]
fn sigterm_ends_it_in_good_order_and_leaves_no_socket() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (mut supervised, _) = Supervised::ready(&terminal);
    supervised.signal("TERM");
    assert_eq!(supervised.ended().code(), Some(0));
    assert!(!terminal.path("runtime/outboard/control.sock").exists());
    assert!(!terminal.path("runtime/outboard/supervisor.json").exists());
    assert_eq!(terminal.types(&["status"]).code, 3);
}

#[test]
fn a_second_signal_ends_at_once_what_would_take_an_hour() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    terminal.write("plugins/good/stubborn", "");
    terminal.write("home/.config/outboard/outboard.toml", "[deadlines]\nstop = \"1h\"\nping = \"1h\"\n");
    let (mut supervised, ready) = Supervised::ready(&terminal);
    assert_eq!(ready["plugins"][0]["state"], "running", "{ready}");
    supervised.signal("TERM");
    supervised.until(&["status", "--json"], |status| status["plugins"][0]["phase"] == "asking");
    supervised.signal("INT");
    assert_eq!(supervised.ended().code(), Some(0));
}

#[test]
fn the_end_of_standard_input_ends_it_where_a_parent_asked_for_that() {
    let terminal = Terminal::new();
    let (mut supervised, _) = Supervised::ready(&terminal);
    drop(supervised.child.stdin.take());
    assert_eq!(supervised.ended().code(), Some(0));
}

#[test]
fn a_second_supervisor_exits_and_names_the_first() {
    let terminal = Terminal::new();
    let (supervised, ready) = Supervised::ready(&terminal);
    let (data, listen) = (terminal.path("data"), ready["listen"].as_str().unwrap());
    let pid = ready["pid"].to_string();
    let data = data.to_str().unwrap();

    let same_runtime = terminal.types(&["run", "--data", "elsewhere", "--listen", "127.0.0.1:0"]);
    assert_eq!(same_runtime.code, 5, "{same_runtime:?}");
    assert!(
        same_runtime.err.contains(&pid) && same_runtime.err.contains("--runtime-dir"),
        "{same_runtime:?}"
    );

    let same_data =
        terminal.types(&["run", "--runtime-dir", "other", "--data", data, "--listen", "127.0.0.1:0"]);
    assert_eq!(same_data.code, 5, "{same_data:?}");
    assert!(same_data.err.contains(&pid), "{same_data:?}");

    let same_port =
        terminal.types(&["run", "--runtime-dir", "other", "--data", "elsewhere", "--listen", listen]);
    assert_eq!(same_port.code, 5, "{same_port:?}");
    assert!(same_port.err.contains("is taken") && same_port.err.contains("--listen"), "{same_port:?}");

    assert_eq!(terminal.types(&["status"]).code, 0);
    drop(supervised);
}

#[test]
fn both_addresses_to_which_page_names_lead_are_the_supervisors_or_it_does_not_start() {
    let Ok(foreign) = std::net::TcpListener::bind("[::1]:0") else {
        eprintln!("not run: this machine has no IPv6, so that names lead to one address alone");
        return;
    };
    let terminal = Terminal::new();
    let port = foreign.local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let refused = terminal.types(&["run", "--plugins", ".", "--listen", &listen]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(
        refused.err.contains(&format!("[::1]:{port}")) && refused.err.contains("--listen"),
        "{refused:?}"
    );
    let doctor = terminal.types(&["doctor", "--listen", &listen]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(doctor.out.contains(&format!("[::1]:{port} is taken")), "{doctor:?}");
    for (listen, other) in [("127.0.0.1", "[::1]"), ("0.0.0.0", "[::1]"), ("[::1]", "127.0.0.1")] {
        let supervised = Supervised::start_at(&terminal, &format!("{listen}:0"), &["--ready-json"]);
        let ready: serde_json::Value = serde_json::from_str(&supervised.line()).unwrap();
        let at = ready["listen"].as_str().unwrap();
        assert!(at.starts_with(listen), "{at}");
        let mut stream =
            TcpStream::connect(at.replace(listen, other)).expect("the other family is served as well");
        stream.set_read_timeout(Some(supervised::PATIENCE)).unwrap();
        let port = at.rsplit_once(':').unwrap().1;
        let request = format!(
            "GET /_outboard/health HTTP/1.1\r\nHost: outboard.localhost:{port}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{listen}: {answer}");
    }
}

#[test]
fn orders_are_obeyed_and_their_outcome_is_told() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (_supervised, _) = Supervised::ready(&terminal);
    let state = || terminal.types(&["status", "good", "--json"]).json()["plugins"][0].clone();

    assert_eq!(terminal.types(&["stop", "good"]).code, 0);
    assert_eq!(state()["state"], "stopped");
    assert_eq!(terminal.types(&["start", "good"]).code, 0);
    let before = state();
    assert_eq!(terminal.types(&["restart", "good"]).code, 0);
    assert_ne!(state()["pid"], before["pid"]);
    assert_eq!(terminal.types(&["disable", "good"]).code, 0);
    assert_eq!((&state()["state"], &state()["enabled"]), (&"stopped".into(), &false.into()));
    assert_eq!(terminal.types(&["enable", "good"]).code, 0);
    assert_eq!(state()["state"], "running");
}

#[test]
fn a_plugin_that_does_not_exist_is_not_found_for_every_verb_and_a_near_one_is_named() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (_supervised, _) = Supervised::ready(&terminal);
    for words in [
        &["status", "goood"][..],
        &["start", "goood"],
        &["stop", "goood"],
        &["why", "goood"],
        &["config", "list", "goood"],
        &["config", "set", "goood", "k", "1"],
        &["call", "goood", "echo"],
        &["listen", "goood"],
    ] {
        let said = terminal.types(words);
        assert_eq!(said.code, 4, "{words:?}: {said:?}");
        assert!(said.err.contains("good"), "{words:?}: {said:?}");
    }
}

#[test]
fn configuration_is_set_read_listed_and_forgotten() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (_supervised, _) = Supervised::ready(&terminal);
    let get = |key| terminal.types(&["config", "get", "good", key]);
    for (given, kept) in
        [("5", "5"), ("five", "\"five\""), ("\"5\"", "\"5\""), ("true", "true"), ("-3", "-3")]
    {
        assert_eq!(terminal.types(&["config", "set", "good", "k", given]).code, 0, "{given}");
        assert_eq!(get("k").out.trim(), kept, "{given}");
    }
    assert_eq!(terminal.types(&["config", "list", "good", "--json"]).json()[0]["source"], "stored");
    assert_eq!(terminal.types(&["config", "delete", "good", "k"]).code, 0);
    assert_eq!(get("k").code, 4);
    assert_eq!(terminal.types(&["config", "delete", "good", "k"]).code, 4);
}

#[test]
fn a_token_is_taken_from_standard_input_and_shown_nowhere() {
    let terminal = Terminal::new();
    let (_supervised, _) = Supervised::ready(&terminal);
    assert_eq!(terminal.types(&["auth", "status"]).out.trim(), "signed out");
    assert_eq!(terminal.types_into("canary-secret\n", &["auth", "set"]).code, 0);
    assert_eq!(terminal.types(&["auth", "status"]).out.trim(), "signed in");
    let file = terminal.write("bearer", "canary-bearer\n");
    let words = [
        "airline",
        "set",
        "test-air",
        "https://api.example.com",
        "--token-file",
        file.to_str().unwrap(),
        "--json",
    ];
    let bound = terminal.types(&words);
    assert_eq!(bound.code, 0, "{bound:?}");
    assert_eq!(
        (&bound.json()["airline"]["id"], &bound.json()["hasToken"]),
        (&"test-air".into(), &true.into())
    );
    for words in
        [&["logs", "-n", "1000"][..], &["auth", "status", "--json"], &["airline", "status", "--json"]]
    {
        assert!(!terminal.types(words).out.contains("canary"), "{words:?}");
    }
    assert_eq!(terminal.types(&["auth", "clear"]).out.trim(), "signed out");
    assert_eq!(terminal.types(&["airline", "clear"]).code, 0);
}

#[test]
fn a_call_reaches_the_plugin_and_what_it_pushes_is_heard() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (supervised, _) = Supervised::ready(&terminal);
    let mut listening =
        terminal.command(&["listen", "good", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let out = listening.stdout.take().unwrap();
    let (tell, heard) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(out).read_line(&mut line);
        // Nobody waits any more when the test has failed.
        let _ = tell.send(line);
    });
    // It is not told when the subscription begins, so call until something is heard.
    let line = loop {
        supervised.until(&["call", "good", "echo", "1", "{}"], |answer| answer["heard"] == true);
        if let Ok(line) = heard.recv_timeout(std::time::Duration::from_millis(50)) {
            break line;
        }
    };
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&event["channel"], &event["payload"]), (&"called".into(), &serde_json::json!([1, 2])));
    listening.kill().unwrap();
    listening.wait().unwrap();
    assert_eq!(terminal.types(&["call", "good", "nothing"]).code, 4);
}

#[test]
fn logs_are_shown_chosen_and_followed() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (supervised, _) = Supervised::ready(&terminal);
    let chosen = ["logs", "good", "--tag", "life", "--json"];
    let records =
        supervised.until(&chosen, |records| records.as_array().is_some_and(|records| !records.is_empty()));
    assert_eq!(records[0]["message"], "started by a test");
    assert!(terminal.types(&["logs", "good", "--grep", "no such words"]).out.is_empty());
    assert!(
        terminal.types(&["logs", "good", "--tag", "life", "--since", "1h"]).out.contains("started by a test")
    );
    assert_eq!(terminal.types(&["logs", "--since", "yesterday"]).code, 2);

    let mut following =
        terminal.command(&["logs", "good", "-f", "--tag", "life"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("started by a test"));
    assert_eq!(terminal.types(&["restart", "good"]).code, 0);
    assert!(lines.next().unwrap().unwrap().contains("started by a test"));
    // The end of the supervisor is the end of what follows it.
    supervised.signal("TERM");
    drop(supervised);
    assert_eq!(following.wait().unwrap().code(), Some(3));
}

#[test]
fn a_killed_process_is_explained() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (supervised, _) = Supervised::ready(&terminal);
    let status = terminal.types(&["status", "good", "--json"]).json();
    let pid = status["plugins"][0]["pid"].to_string();
    assert!(std::process::Command::new("kill").args(["-s", "KILL", &pid]).status().unwrap().success());
    let why = supervised.until(&["why", "good", "--json"], |why| {
        why["history"][0]["signal"].is_string() && why["status"]["state"] == "running"
    });
    assert_eq!(why["history"][0]["signal"], "SIGKILL", "{why}");
    assert_eq!(why["status"]["restarts"], 1, "{why}");
    let told = terminal.types(&["why", "good"]).out;
    assert!(told.contains("SIGKILL") && told.contains("decision"), "{told}");
}

#[test]
fn sighup_reads_the_plugin_folders_again() {
    let terminal = Terminal::new();
    let (supervised, ready) = Supervised::ready(&terminal);
    assert_eq!(ready["plugins"].as_array().map(Vec::len), Some(0));
    install(&terminal, "late");
    supervised.signal("HUP");
    supervised.until(&["list", "--json"], |plugins| plugins[0]["state"] == "running");
}

#[test]
fn a_plugin_that_settings_disable_is_not_started() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    terminal.write("home/.config/outboard/outboard.toml", "[plugins.good]\nenabled = false\n");
    let (_supervised, ready) = Supervised::ready(&terminal);
    assert_eq!(ready["plugins"][0]["state"], "stopped", "{ready}");
}

#[test]
fn a_runtime_folder_with_too_long_a_path_is_refused_with_the_reason() {
    let terminal = Terminal::new();
    let long = terminal.path(&"x".repeat(120));
    let said = terminal.types(&["run", "--listen", "127.0.0.1:0", "--runtime-dir", long.to_str().unwrap()]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.err.contains("107") && said.err.contains("--runtime-dir"), "{said:?}");
}

#[test]
fn every_process_of_its_own_is_called_outboard_in_ps_and_top() {
    let terminal = Terminal::new();
    let (_supervised, ready) = Supervised::ready(&terminal);
    for process in ["pid", "keeperPid"] {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", ready[process])).unwrap();
        assert_eq!(name.trim(), "outboard", "{process}");
    }
}

#[test]
fn what_is_shown_fits_the_terminal_and_is_one_line_a_plugin_where_a_program_reads() {
    let terminal = Terminal::new();
    install(&terminal, "a-plugin-with-quite-a-long-name-for-a-plugin");
    install(&terminal, "b");
    terminal.write("plugins/broken/plugin.json", r#"{"id":"broken","name":5,"version":"1"}"#);
    let (supervised, _) = Supervised::ready(&terminal);
    supervised.until(&["status", "b", "--json"], |status| status["plugins"][0]["state"] == "running");
    for words in [&["status"][..], &["list"], &["why", "broken"], &["status", "b"]] {
        for columns in [80, 40] {
            let said = terminal.types_with(&[("COLUMNS", &columns.to_string())], words);
            assert_eq!(said.code, 0, "{said:?}");
            // A word that is longer than the line, such as a path, stays whole.
            let fits = |line: &&str| line.chars().count() <= columns || line.split_whitespace().count() <= 2;
            let wide: Vec<_> = said.out.lines().filter(|line| !fits(line)).collect();
            assert!(wide.is_empty(), "{words:?} at {columns}: {wide:#?}");
            assert!(said.out.contains("running") || words[0] == "why", "{said:?}");
        }
    }
    let said = terminal.types(&["list"]);
    assert_eq!(said.out.lines().count(), 4, "{said:?}");
}

#[test]
fn a_plugin_with_a_ui_alone_is_shown_as_that_and_not_as_stopped() {
    let terminal = Terminal::new();
    terminal.write("plugins/only-ui/plugin.json", r#"{"id":"only-ui","name":"Only UI","version":"1.0.0"}"#);
    terminal.write("plugins/only-ui/ui/index.js", "export default () => \"hello\";");
    install(&terminal, "whole");
    let supervised = Supervised::start(&terminal, &[]);
    assert!(supervised.line().ends_with("1 of 1 plugins are running, 1 with a UI alone"));
    let status = supervised.until(&["status", "only-ui", "--json"], |_| true);
    assert_eq!(status["plugins"][0]["causeCode"], "ui-only", "{status}");
    for words in [&["status"][..], &["list"], &["status", "only-ui"]] {
        let said = terminal.types(words);
        assert!(said.out.contains("ui-only") && !said.out.contains("stopped"), "{said:?}");
    }
}

#[test]
fn what_lies_among_the_plugins_and_cannot_be_one_is_told_and_ordinary_files_are_not() {
    let terminal = Terminal::new();
    terminal.write("plugins/packed.ZIP", "PK");
    terminal.write("plugins/README.md", "mine");
    terminal.write("plugins/unpacked/unpacked/plugin.json", "{}");
    std::os::unix::fs::symlink("/nowhere/at-all", terminal.path("plugins/linked")).unwrap();
    let (supervised, _) = Supervised::ready(&terminal);
    let status = supervised.until(&["list", "--json"], |list| list.to_string().contains("packed.ZIP"));
    let said = status.to_string();
    for part in [
        "packed.ZIP is an archive; unpack it",
        "linked is a link to /nowhere/at-all, which does not exist",
        "there is one in ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("README"), "{said}");
}
