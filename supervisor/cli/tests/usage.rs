//! The command line and the settings file: what is accepted, what is refused, and what wins.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod terminal;

use terminal::Terminal;

#[test]
fn a_verb_that_does_not_exist_is_wrong_usage_and_a_near_one_is_named() {
    let said = Terminal::new().types(&["statsu"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("status"), "{said:?}");
}

#[test]
fn help_names_every_verb_and_the_exit_codes() {
    let said = Terminal::new().types(&["--help"]);
    assert_eq!(said.code, 0, "{said:?}");
    for verb in "run new list status start stop restart enable disable rescan logs why config auth airline call listen check \
                 doctor completions"
        .split_whitespace()
    {
        assert!(said.out.lines().any(|line| line.trim_start().starts_with(verb)), "{verb} is missing: {}", said.out);
    }
    assert!(said.out.contains("Exit codes"), "{said:?}");
    assert!(!said.out.contains("__"), "hidden roles are shown: {}", said.out);
}

#[test]
fn a_missing_argument_is_wrong_usage() {
    let terminal = Terminal::new();
    for words in [&["start"][..], &["config", "set", "x", "k"], &["call", "x"], &["check"], &["completions"]]
    {
        assert_eq!(terminal.types(words).code, 2, "{words:?}");
    }
}

#[test]
fn an_address_that_is_none_is_refused_with_examples() {
    let said = Terminal::new().types(&["run", "--listen", "2066"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("127.0.0.1:2066"), "{said:?}");
}

#[test]
fn global_flags_stand_before_or_after_the_verb() {
    let terminal = Terminal::new();
    for words in [["--runtime-dir", "/nowhere/a", "status"], ["status", "--runtime-dir", "/nowhere/a"]] {
        let said = terminal.types(&words);
        assert_eq!(said.code, 3, "{said:?}");
        assert!(said.err.contains("/nowhere/a"), "{said:?}");
    }
}

#[test]
fn a_flag_wins_over_a_variable_which_wins_over_the_file_which_wins_over_the_default() {
    let terminal = Terminal::new();
    let asked_at = |variables: &[(&str, &str)], words: &[&str]| terminal.types_with(variables, words).err;

    let default = terminal.path("runtime/outboard");
    assert!(asked_at(&[], &["status"]).contains(default.to_str().unwrap()));

    terminal.write("home/.config/outboard/outboard.toml", "runtime_dir = \"/nowhere/file\"\n");
    assert!(asked_at(&[], &["status"]).contains("/nowhere/file"));

    let variable = [("OUTBOARD_RUNTIME_DIR", "/nowhere/variable")];
    assert!(asked_at(&variable, &["status"]).contains("/nowhere/variable"));
    assert!(asked_at(&variable, &["--runtime-dir", "/nowhere/flag", "status"]).contains("/nowhere/flag"));
    assert!(asked_at(&variable, &["status", "--runtime-dir", "/nowhere/flag"]).contains("/nowhere/flag"));
}

#[test]
fn a_switch_in_the_file_can_be_turned_off_by_flag() {
    let terminal = Terminal::new();
    let file = terminal.write("s.toml", "json = true\n");
    let file = file.to_str().unwrap();
    let plugin = terminal.write("p/plugin.json", "{}").parent().unwrap().to_owned();
    let plugin = plugin.to_str().unwrap();
    assert!(terminal.types(&["--config", file, "check", plugin]).json().is_object());
    assert!(!terminal.types(&["--config", file, "--json=false", "check", plugin]).out.starts_with('{'));
}

#[test]
fn an_unknown_key_is_told_with_file_line_and_the_nearest_known_key() {
    let terminal = Terminal::new();
    let file =
        terminal.write("s.toml", "listen = \"127.0.0.1:0\"\n\n[plugins.fleet.deadlines]\nstrat = \"5s\"\n");
    let said = terminal.types(&["--config", file.to_str().unwrap(), "doctor"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("s.toml:4: unknown key `plugins.fleet.deadlines.strat`"), "{said:?}");
    assert!(said.err.contains("did you mean `plugins.fleet.deadlines.start`?"), "{said:?}");
}

#[test]
fn a_value_of_the_wrong_kind_is_told_with_file_and_line() {
    let terminal = Terminal::new();
    for (line, reason) in [
        ("listen = \"nonsense\"", "127.0.0.1:2066"),
        ("deadlines = { start = \"soon\" }", "a length of time"),
        ("deadlines = { start = 5 }", "a length of time"),
        ("limits = { memory = \"much\" }", "a size"),
        ("[plugins.NotAnId]", "lower-case"),
        ("json = ", "s.toml:2"),
    ] {
        let file = terminal.write("s.toml", &format!("# a comment\n{line}\n"));
        let said = terminal.types(&["--config", file.to_str().unwrap(), "doctor"]);
        assert_eq!(said.code, 2, "{line}: {said:?}");
        assert!(said.err.contains("s.toml:2"), "{line}: {said:?}");
        assert!(said.err.contains(reason), "{line}: {said:?}");
    }
}

#[test]
fn a_value_that_is_out_of_its_range_is_told_with_file_line_and_key() {
    let terminal = Terminal::new();
    for (key, line, reason) in [
        ("deadlines.ping", "deadlines = { ping = \"0s\" }", "at least 1 ms"),
        ("deadlines.stop", "deadlines.stop = \"367d\"", "at most 366 days"),
        ("plugins.fleet.deadlines.ping", "plugins.fleet.deadlines.ping = \"0s\"", "at least 1 ms"),
        ("plugins.fleet.restart.jitter_percent", "plugins.fleet.restart.jitter_percent = 101", "at most 100"),
        ("wire.context_calls", "wire.context_calls = 0", "from 1 to 1000000"),
        ("wire.host_calls", "wire.host_calls = 0", "from 1 to 1000000"),
        ("wire.outbox", "wire.outbox = 0", "at least 1 KiB"),
        ("plugins.fleet.wire.frame", "plugins.fleet.wire.frame = 0", "at least 1 KiB"),
        ("http.connections", "http.connections = 0", "from 1 to 1000000"),
        ("http.connections", "http.connections = 9223372036854775807", "from 1 to 1000000"),
        ("http.bus_clients", "http.bus_clients = 9223372036854775807", "at most 1000000"),
        ("http.head_size", "http.head_size = 0", "at least 1 KiB"),
        ("http.allowed_origins", "http.allowed_origins = [\"null\"]", "origins named one by one"),
        ("http.allowed_origins", "http.allowed_origins = [\"*\"]", "origins named one by one"),
        ("http.allowed_origins", "http.allowed_origins = [\"http://a/b\"]", "origins as browsers send them"),
        ("http.allowed_hosts", "http.allowed_hosts = [\"*\"]", "hosts named one by one"),
        ("http.allowed_hosts", "http.allowed_hosts = [\"http://a\"]", "hosts named one by one"),
        ("http.plugin_origin", "http.plugin_origin = \"https://plugins.example\"", "an origin with {id}"),
        (
            "http.allowed_hosts",
            "http = { allowed_hosts = [\"a.plugins.example\"], plugin_origin = \"https://{id}.plugins.example\" }",
            "without names that `plugin_origin` gives to plugins",
        ),
        ("http.answer_timeout", "http.answer_timeout = \"0s\"", "at least 1 ms"),
        ("storage.measure", "storage.measure = \"1ms\"", "at least 100 ms"),
    ] {
        let file = terminal.write("s.toml", &format!("# a comment\n{line}\n"));
        let said = terminal.types(&["--config", file.to_str().unwrap(), "run"]);
        assert_eq!(said.code, 2, "{line}: {said:?}");
        assert!(said.err.contains(&format!("s.toml:2: `{key}` must be {reason}")), "{line}: {said:?}");
    }
}

#[test]
fn any_key_of_the_file_can_be_set_on_the_command_line_and_a_mistake_in_it_is_told_as_its_own() {
    let terminal = Terminal::new();
    let file =
        terminal.write("s.toml", "json = false\n[plugins.fleet.deadlines]\nstart = \"5s\"\nstop = \"6s\"\n");
    let file = file.to_str().unwrap();
    let plugin = terminal.path("home");
    let check = |set: &[&str]| {
        let words: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
        let command = ["--config", file, "check", plugin.to_str().unwrap()];
        terminal.types(&[&words[..], &command].concat())
    };
    assert!(
        check(&["json=true", "plugins.fleet.deadlines.start = 60s", "limits.data=2GiB"]).out.starts_with('{')
    );
    assert!(!check(&["json=true", "json=false"]).out.starts_with('{'), "the last of two wins");
    for (set, reason) in [
        ("limits.dat=1", "did you mean `limits.data`?"),
        ("limits.data=much", "a size"),
        ("limits.data", "give a key and a value"),
        ("plugins.NotAnId.enabled=true", "lower-case"),
    ] {
        let said = check(&[set]);
        assert_eq!(said.code, 2, "{set}: {said:?}");
        assert!(said.err.contains(&format!("--set {set}: ")) && said.err.contains(reason), "{set}: {said:?}");
    }
    let both = terminal.types(&["--config", file, "--set", "plugins.fleet.deadlines.ping=0s", "run"]);
    assert!(both.code == 2 && both.err.contains("`plugins.fleet.deadlines.ping` must"), "{both:?}");
}

#[test]
fn a_folder_that_is_not_there_is_told_with_the_flag_the_variable_or_the_line_that_names_it() {
    let terminal = Terminal::new();
    let file = terminal.write("s.toml", "# a comment\nplugin_dirs = [\"/nowhere/file\"]\n");
    let file = file.to_str().unwrap();
    let variable = [("OUTBOARD_PLUGINS", "/nowhere/variable")];
    for (variables, words, told) in [
        (&[][..], &["run"][..], "s.toml:2: `plugin_dirs`: the folder /nowhere/file"),
        (&[], &["run", "--set", "plugin_dirs=[\"/nowhere/set\"]"], "--set plugin_dirs="),
        (&variable, &["run"], "OUTBOARD_PLUGINS: the folder /nowhere/variable"),
        (&variable, &["run", "--plugins", "/nowhere/flag"], "--plugins: the folder /nowhere/flag"),
    ] {
        let said = terminal.types_with(variables, &[&["--config", file], words].concat());
        assert!(said.code == 2 && said.err.contains(told), "{told}: {said:?}");
    }
}

#[test]
fn a_settings_file_that_is_named_must_be_there_and_the_standard_one_need_not() {
    let terminal = Terminal::new();
    let said = terminal.types(&["--config", "/nowhere/outboard.toml", "status"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("/nowhere/outboard.toml"), "{said:?}");
    assert_eq!(terminal.types(&["status"]).code, 3);
}

#[test]
fn relative_paths_in_the_file_are_meant_from_its_folder() {
    let terminal = Terminal::new();
    let file = terminal.write("deep/s.toml", "runtime_dir = \"here\"\n");
    let said = terminal.types(&["--config", file.to_str().unwrap(), "status"]);
    assert!(said.err.contains(terminal.path("deep/here").to_str().unwrap()), "{said:?}");
}

#[test]
fn completions_are_printed_for_a_shell() {
    let said = Terminal::new().types(&["completions", "bash"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("outboard"), "{said:?}");
}

#[test]
fn nobody_starts_a_trampoline_by_hand() {
    let said = Terminal::new().types(&["__exec"]);
    assert_eq!(said.code, 2, "{said:?}");
}

#[test]
fn a_wrong_value_in_the_settings_file_is_told_with_its_key_and_line() {
    let terminal = Terminal::new();
    for (line, told) in [
        ("listen = 2066", "s.toml:2: `listen`: invalid type"),
        ("timeout = 60", "s.toml:2: `timeout`: invalid type: integer `60`, expected a length of time"),
        ("deadlines.start = 60", "s.toml:2: `deadlines.start`: "),
        ("plugins.fleet.limits.memory = \"much\"", "s.toml:2: `plugins.fleet.limits.memory`: a size"),
        ("listen = 127.0.0.1:2066", "a text stands in quotes: listen = \"127.0.0.1:2066\""),
    ] {
        let file = terminal.write("s.toml", &format!("# a comment\n{line}\n"));
        let said = terminal.types(&["--config", file.to_str().unwrap(), "status"]);
        assert_eq!(said.code, 2, "{line}: {said:?}");
        assert!(said.err.contains(told), "{line}: {said:?}");
    }
}

#[test]
fn wrong_usage_is_json_where_json_is_asked_for() {
    let terminal = Terminal::new();
    for words in
        [&["--json", "status", "a", "b"][..], &["logs", "-n", "x", "--json"], &["strat", "--json=true"]]
    {
        let said = terminal.types(words);
        assert_eq!(said.code, 2, "{said:?}");
        let told: serde_json::Value = serde_json::from_str(&said.err).unwrap();
        assert_eq!(told["error"]["exit"], 2, "{told}");
        assert!(told["error"]["message"].as_str().is_some_and(|said| !said.is_empty()), "{told}");
    }
    let plain = terminal.types(&["logs", "-n", "x"]);
    assert!(plain.err.contains("give a whole number"), "{plain:?}");
}

#[test]
fn help_is_a_verb_as_well() {
    let said = Terminal::new().types(&["help", "logs"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("--since"), "{said:?}");
}

#[test]
fn the_usage_that_comes_with_a_mistake_is_the_verbs_own_whatever_variables_are_set() {
    let terminal = Terminal::new();
    let variables =
        [("OUTBOARD_RUNTIME_DIR", "/nowhere"), ("OUTBOARD_PLUGINS", "/tmp"), ("OUTBOARD_JSON", "false")];
    for (words, usage) in [
        (&["why"][..], "Usage: outboard why [OPTIONS] <ID>\n"),
        (&["config", "get", "fleet"], "Usage: outboard config get [OPTIONS] <ID> <KEY>\n"),
        (&["run", "x"], "Usage: outboard run [OPTIONS]\n"),
    ] {
        let said = terminal.types_with(&variables, words);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(usage), "{usage}: {said:?}");
    }
}

#[test]
fn doctor_takes_the_flags_that_it_looks_at_and_no_others() {
    let terminal = Terminal::new();
    let doctor = |flag: &str| terminal.types(&["doctor", flag]);
    for flag in ["--plugins=plugins", "--data=data", "--listen=127.0.0.1:0"] {
        assert_ne!(doctor(flag).code, 2, "{flag}");
    }
    for flag in [
        "--ready-json",
        "--exit-with-parent",
        "--restart-supervisor",
        "--hold-until-auth",
        "--log-level=debug",
    ] {
        let said = doctor(flag);
        assert!(said.code == 2 && said.err.contains("unexpected argument"), "{flag}: {said:?}");
    }
}

#[test]
fn flags_stand_behind_arguments_for_a_plugin_too_and_what_begins_with_a_dash_comes_after_two() {
    let terminal = Terminal::new();
    for words in [
        &["call", "w", "echo", "1", "--runtime-dir", "/nowhere/a"][..],
        &["call", "w", "echo", "-5", "-1.5e3", "--runtime-dir", "/nowhere/a"],
        &["call", "w", "echo", "--runtime-dir", "/nowhere/a", "--", "--json", "-x"],
        &["config", "set", "w", "key", "-5", "--runtime-dir", "/nowhere/a"],
        &["config", "set", "w", "key", "--runtime-dir", "/nowhere/a", "--", "--json"],
    ] {
        let said = terminal.types(words);
        assert!(said.code == 3 && said.err.contains("/nowhere/a"), "{words:?}: {said:?}");
    }
    for words in [&["call", "w", "echo", "1", "--jsno"][..], &["config", "set", "w", "key", "--value"]] {
        let said = terminal.types(words);
        assert!(said.code == 2 && said.err.contains("unexpected argument '--"), "{words:?}: {said:?}");
    }
}
