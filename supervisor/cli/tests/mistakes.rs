//! The mistakes that are made with a first plugin, and what is said about each.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use supervised::{Supervised, get, install};
use terminal::{Terminal, executable};

/// A plugin that comes up to its start and refuses it, with a stack of several lines.
const REFUSES: &str = r#"#!/bin/sh
echo 'Traceback (most recent call last):' >&2
echo '  File "main.py", line 3' >&2
echo >&2
echo 'Boom' >&2
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9][0-9]*\).*/\1/p')
  case "$line" in
    *'"method":"initialize"'*)
      printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":1,"hooks":["onStart"],"features":["http"]}}\n' "$id" ;;
    *'"method":"start"'*)
      printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32603,"message":"the licence has run out","data":{"reason":"internal_error","stack":"Error: the licence has run out\\n    at start (/srv/secret/main.js:3)\\n    at run"}}}\n' "$id" ;;
  esac
done
"#;

/// Installs a program as a plugin, with these members besides in `run`.
fn program(terminal: &Terminal, id: &str, text: &str, run: &str) {
    let file = terminal.write(&format!("plugins/{id}/plugin.sh"), text);
    executable(&file);
    terminal.write(
        &format!("plugins/{id}/plugin.json"),
        &format!(
            r#"{{"id":"{id}","name":"{id}","version":"1.0.0","run":{{"command":["./plugin.sh"]{run}}}}}"#
        ),
    );
}

#[test]
fn a_start_that_fails_is_told_in_one_line_and_its_stack_by_why_alone() {
    let terminal = Terminal::new();
    program(&terminal, "refuses", REFUSES, "");
    let supervised = Supervised::start(&terminal, &[]);
    let mut summary = String::new();
    while !summary.contains("ready at http://") {
        summary.push_str(&supervised.line());
        summary.push('\n');
    }
    let (listen, status) = (
        summary.trim().rsplit("http://").next().unwrap().to_owned(),
        terminal.types(&["status", "refuses"]).out,
    );
    for told in [&summary, &status, &terminal.types(&["list"]).out] {
        assert!(told.contains("its start was rejected: the licence has run out"), "{told}");
        assert!(!told.contains("main.js") && !told.contains("\\n"), "{told}");
    }
    let why = terminal.types(&["why", "refuses"]).out;
    assert_eq!(why.matches("\n        at start (/srv/secret/main.js:3)\n").count(), 1, "{why}");
    assert!(why.contains("\n        at run\n") && !why.contains("\\n"), "{why}");
    let answer = get(&listen, "/api/refuses/");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(
        answer.contains("the licence has run out") && answer.contains("outboard why refuses"),
        "{answer}"
    );
    assert!(!answer.contains("main.js"), "{answer}");
    // Another try changes nothing before somebody has corrected it.
    assert!(!answer.to_lowercase().contains("retry-after"), "{answer}");
    let logs = terminal.types(&["logs", "refuses", "--level", "error"]).out;
    assert_eq!(logs.matches("its start was rejected").count(), 1, "{logs}");
}

#[test]
fn standard_error_is_kept_as_it_was_written() {
    let terminal = Terminal::new();
    program(&terminal, "refuses", REFUSES, "");
    let (_supervised, _) = Supervised::ready(&terminal);
    let records = terminal.types(&["logs", "refuses", "--tag", "stderr", "--json"]).json();
    let lines: Vec<&str> =
        records.as_array().unwrap().iter().map(|record| record["message"].as_str().unwrap()).collect();
    assert_eq!(lines, ["Traceback (most recent call last):", "  File \"main.py\", line 3", "", "Boom"]);
    let why = terminal.types(&["why", "refuses"]).out;
    assert!(why.contains("\n      File \"main.py\", line 3\n"), "{why}");
}

#[test]
fn a_program_that_never_answers_the_handshake_is_told_what_it_may_have_forgotten() {
    let terminal = Terminal::new();
    program(&terminal, "prints", "#!/bin/sh\necho '{\"id\": 1, \"result\": {}}'\n", "");
    let (supervised, _) = Supervised::ready(&terminal);
    let why = supervised.until(&["why", "prints", "--json"], |why| why["history"][0]["advice"].is_string());
    let advice = why["history"][0]["advice"].as_str().unwrap();
    for part in [
        "never answered `initialize`",
        "\"protocol\": \"none\"",
        "1 line on stdout was not a message: `{\"id\": 1,",
    ] {
        assert!(advice.contains(part), "{part}: {advice}");
    }
    let status = supervised.until(&["status", "prints", "--json"], |status| {
        status["plugins"][0]["cause"].as_str().is_some_and(|cause| cause.contains("never answered"))
    });
    assert!(status["plugins"][0]["cause"].as_str().unwrap().contains("exited with code 0"), "{status}");
    assert!(terminal.types(&["why", "prints"]).out.contains("  advice    it never answered"));
}

#[test]
fn a_call_waits_for_a_plugin_on_its_way_up_and_points_on_where_its_process_ends() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let file = terminal.path("plugins/good/plugin.sh");
    let text = std::fs::read_to_string(&file).unwrap();
    // The channel `retain` ends the process in place of an answer.
    let text = text.replace(
        r#"*'"method":"ipc.invoke"'*'"channel":"retain"'*)"#,
        r#"*'"method":"ipc.invoke"'*'"channel":"retain"'*) exit 7"#,
    );
    std::fs::write(&file, text).unwrap();
    program(&terminal, "plain", "#!/bin/sh\nwhile :; do sleep 1; done\n", ",\"protocol\":\"none\"");
    let (_supervised, _) = Supervised::ready(&terminal);
    let ended = terminal.types(&["call", "good", "retain"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("`outboard why good`"), "{ended:?}");
    // Its next process is on its way, and what is called meanwhile waits for it.
    let waited = terminal.types(&["call", "good", "echo"]);
    assert_eq!(waited.code, 0, "{waited:?}");
    assert_eq!(terminal.types(&["stop", "good"]).code, 0);
    let stopped = terminal.types(&["call", "good", "echo"]);
    assert_eq!(stopped.code, 5, "{stopped:?}");
    let plain = terminal.types(&["call", "plain", "foo"]);
    assert_eq!(plain.code, 4, "{plain:?}");
    assert!(plain.err.contains("\"none\""), "{plain:?}");
}

#[test]
fn logs_of_a_plugin_that_never_was_are_not_found_and_those_of_one_that_is_gone_are_read() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (supervised, _) = Supervised::ready(&terminal);
    for words in [&["logs", "nope"][..], &["logs", "nope", "-f"]] {
        let said = terminal.types(words);
        assert_eq!(said.code, 4, "{said:?}");
        assert!(said.err.contains("there is no plugin \"nope\"; there are good"), "{said:?}");
    }
    std::fs::remove_dir_all(terminal.path("plugins/good")).unwrap();
    assert_eq!(terminal.types(&["rescan"]).code, 0);
    supervised.until(&["list", "--json"], |plugins| plugins.as_array().is_some_and(Vec::is_empty));
    let said = terminal.types(&["logs", "good"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("running, pid"), "{said:?}");
}

#[test]
fn a_setting_that_a_plugin_does_not_declare_is_set_with_a_warning() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    terminal.write(
        "plugins/good/plugin.json",
        r#"{"id":"good","name":"good","version":"1.0.0","run":{"command":["./plugin.sh"]},
            "availableSettings":[{"key":"fleet_url","type":"text","name":"Fleet","default":"x"}]}"#,
    );
    let (_supervised, _) = Supervised::ready(&terminal);
    let near = terminal.types(&["config", "set", "good", "fleet_ulr", "y"]);
    assert_eq!(near.code, 0, "{near:?}");
    assert!(near.out.contains("did you mean `fleet_url`?"), "{near:?}");
    assert_eq!(terminal.types(&["config", "get", "good", "fleet_ulr"]).code, 0);
    let right = terminal.types(&["config", "set", "good", "fleet_url", "y"]);
    assert!(right.code == 0 && !right.out.contains("warning"), "{right:?}");
}

#[test]
fn a_manifest_that_breaks_while_its_plugin_runs_shows_in_its_status() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (_supervised, _) = Supervised::ready(&terminal);
    terminal.write("plugins/good/plugin.json", "{ not json");
    assert_eq!(terminal.types(&["rescan"]).code, 0);
    let status = terminal.types(&["status", "good"]).out;
    assert!(status.contains("running") && status.contains("goes on"), "{status}");
    assert!(status.contains("plugin.json:1:"), "{status}");
}

#[test]
fn settings_for_nobody_are_remarked() {
    let terminal = Terminal::new();
    terminal.write("home/.config/outboard/outboard.toml", "[plugins.nosuch]\nenabled = false\n");
    let (supervised, _) = Supervised::ready(&terminal);
    supervised.until(&["logs", "--grep", "[plugins.nosuch]", "--json"], |records| {
        records.as_array().is_some_and(|records| !records.is_empty())
    });
}

#[test]
fn an_order_that_comes_to_nothing_shows_the_programs_last_line() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (_supervised, _) = Supervised::ready(&terminal);
    program(&terminal, "good", "#!/bin/sh\necho 'no module named fleet' >&2\necho >&2\nexit 1\n", "");
    let said = terminal.types(&["restart", "good"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("its last line on standard error: no module named fleet"), "{said:?}");
    let logs = terminal.types(&["logs", "good", "--level", "error"]).out;
    assert!(logs.contains("it last said: no module named fleet"), "{logs}");
}

#[test]
fn a_disabled_plugin_is_said_to_stay_so() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (_supervised, _) = Supervised::ready(&terminal);
    let said = terminal.types(&["disable", "good"]);
    assert_eq!(said.out.trim(), "good is stopped, and stays so until `outboard enable good`");
}

#[test]
fn a_server_that_never_takes_its_socket_is_told_apart_by_the_answer_and_by_why() {
    let terminal = Terminal::new();
    program(&terminal, "deaf", "#!/bin/sh\nwhile :; do sleep 1; done\n", ",\"protocol\":\"none\"");
    terminal.write("home/.config/outboard/outboard.toml", "[http]\nanswer_timeout = \"8s\"\n");
    let (supervised, ready) = Supervised::ready(&terminal);
    assert_eq!(ready["plugins"][0]["state"], "running", "{ready}");
    let listen = ready["listen"].as_str().unwrap().to_owned();
    let asking = std::thread::spawn(move || get(&listen, "/api/deaf/"));
    // Before the request is answered.
    let told = supervised.until(&["why", "deaf", "--json"], |why| {
        why["status"]["warnings"].to_string().contains("descriptor 3")
    });
    assert!(!asking.is_finished(), "{told}");
    let answer = asking.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    for part in ["within 8 s", "`outboard why deaf`", "descriptor 3", "OUTBOARD_HTTP_SOCKET"] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    assert!(
        terminal
            .types(&["status", "deaf"])
            .out
            .contains("has answered none of the HTTP requests that were passed to it")
    );
}

#[test]
fn a_crash_is_an_error_in_the_log_though_the_plugin_is_started_again() {
    let terminal = Terminal::new();
    program(&terminal, "falls", "#!/bin/sh\nkill -SEGV $$\n", "");
    terminal.write("plugins/throws/plugin.json", r#"{"id":"throws","name":"throws","version":"1.0.0"}"#);
    terminal.write(
        "plugins/throws/background/index.js",
        "export default { onStart() { setTimeout(() => { throw new TypeError('no such flight'); }, 10); }, onStop() {} };",
    );
    let (supervised, _) = Supervised::ready(&terminal);
    for (id, said) in [("falls", "was killed by SIGSEGV"), ("throws", "uncaught exception: no such flight")] {
        supervised.until(&["logs", id, "--level", "error", "--json"], |records| {
            let restarted = |record: &serde_json::Value| {
                record["message"].as_str().is_some_and(|message| message.contains("restart"))
            };
            records.to_string().contains(said)
                && records.as_array().is_some_and(|all| all.iter().any(restarted))
        });
    }
    let records = terminal.types(&["logs", "throws", "--level", "error", "--tag", "crash", "--json"]).json();
    assert!(
        records[0]["extra"]["stack"].as_str().is_some_and(|stack| stack.contains("index.js:1")),
        "{records}"
    );
}

#[test]
fn why_is_answered_for_a_folder_whose_name_is_no_id_in_its_one_shape() {
    let terminal = Terminal::new();
    terminal.write("plugins/My Plugin/plugin.json", r#"{"id":"My Plugin","name":"Mine","version":"1.0.0"}"#);
    let (_supervised, _) = Supervised::ready(&terminal);
    let why = terminal.types(&["why", "My Plugin"]);
    assert_eq!(why.code, 0, "{why:?}");
    assert!(why.out.contains("plugin.json:1:") && why.out.contains("invalid"), "{why:?}");
    let report = terminal.types(&["why", "My Plugin", "--json"]).json();
    assert_eq!(report["status"]["state"], "invalid", "{report}");
    assert!(report["history"].as_array().is_some_and(Vec::is_empty), "{report}");
    let near = terminal.types(&["why", "My Plugins"]);
    assert!(near.code == 4 && near.err.contains("did you mean My Plugin?"), "{near:?}");
}

/// A plugin that answers its channel as its argument says, and `start` and `stop` as its files do; the first line with a byte order
/// mark, as some writers of UTF-8 begin.
const ODD: &str = r#"#!/bin/sh
mark='\357\273\277'
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9][0-9]*\).*/\1/p')
  rest='"result":{}'
  case "$line" in
    *'"method":"initialize"'*) rest='"result":{"protocolVersion":1,"hooks":["onStart","onStop"]}' ;;
    *'"method":"start"'*)
      printf '{"jsonrpc":"2.0","id":80001,"method":"ipc.handle","params":{"channel":"odd"}}\n'
      [ -e start ] && rest=$(cat start) ;;
    *'"method":"stop"'*) [ -e hangs ] && continue; rest=$(cat stop) ;;
    *'"none"'*) rest='"trace":1' ;;
    *'"nan"'*) rest='"result":NaN' ;;
    *'"half"'*) rest='"result":{"cut":"\ud83d"}' ;;
    *'"huge"'*) rest='"result":[1,1e400]' ;;
    *'"text id"'*) id="\"$id\"" ;;
    *'"coded"'*) rest='"error":{"code":-32603,"message":"full","data":{"code":"E_FULL"}}' ;;
    *'"large"'*) rest="\"result\":\"$(head -c 8500000 /dev/zero | tr '\0' b)\"" ;;
  esac
  case "$line" in
    *'"method"'*) [ -n "$id" ] && printf "$mark"'{"jsonrpc":"2.0","id":%s,%s}\n' "$id" "$rest"; mark= ;;
  esac
done
"#;

#[test]
fn whoever_calls_a_plugin_learns_at_once_that_its_answer_is_broken_and_where() {
    let terminal = Terminal::new();
    program(&terminal, "odd", ODD, "");
    terminal.write("plugins/odd/stop", "\"result\":{}");
    let (_supervised, _) = Supervised::ready(&terminal);
    for (kind, place) in [
        ("none", "neither `method`, nor `result`, nor `error`"),
        ("nan", "expected value at line 1 column"),
        ("half", "`result.cut` cannot be read"),
        ("huge", "`result[1]` cannot be read"),
        ("text id", "repeat an id as it came"),
        ("large", "a frame has at most 8388608 bytes"),
    ] {
        // Long before the 30 s after which a call without an answer ends.
        let said = terminal.types(&["--timeout", "25s", "call", "odd", "odd", kind]);
        assert_eq!(said.code, 1, "{kind}: {said:?}");
        assert!(
            said.err.contains("the plugin's answer is broken: ") && said.err.contains(place),
            "{kind}: {said:?}"
        );
    }
    assert_eq!(terminal.types(&["call", "odd", "odd", "well"]).code, 0);
    // An error in order keeps the code that the plugin gave it.
    let coded = terminal.types(&["--json", "call", "odd", "odd", "coded"]);
    assert!(coded.err.contains(r#""code":"E_FULL""#), "{coded:?}");
}

#[test]
fn a_start_whose_answer_is_broken_says_so_in_why() {
    let terminal = Terminal::new();
    program(&terminal, "odd", ODD, "");
    terminal.write("plugins/odd/start", "\"trace\":1");
    let (supervised, _) = Supervised::ready(&terminal);
    let why = supervised.until(&["why", "odd", "--json"], |why| why["history"][0]["ended"].is_string());
    let ended = why["history"][0]["ended"].as_str().unwrap();
    assert!(ended.contains("its start was rejected: the plugin's answer is broken"), "{ended}");
}

#[test]
fn a_stop_that_fails_or_never_ends_is_told_in_the_log_and_by_why() {
    let terminal = Terminal::new();
    program(&terminal, "odd", ODD, "");
    terminal.write("home/.config/outboard/outboard.toml", "[deadlines]\nstop = \"1s\"\n");
    terminal.write(
        "plugins/odd/stop",
        r#""error":{"code":-32603,"message":"could not flush the last 12 records","data":{"stack":"Error: could not flush\n    at stop (main.js:3)"}}"#,
    );
    let (supervised, _) = Supervised::ready(&terminal);
    assert_eq!(terminal.types(&["stop", "odd"]).code, 0);
    let why = terminal.types(&["why", "odd"]).out;
    assert!(
        why.contains("its stop failed: could not flush the last 12 records, and exited with code 0"),
        "{why}"
    );
    assert!(why.contains("at stop (main.js:3)"), "{why}");
    let errors = supervised.until(&["logs", "odd", "--level", "error", "--json"], |records| {
        records.as_array().is_some_and(|records| !records.is_empty())
    });
    assert_eq!(errors[0]["message"], "its stop failed: could not flush the last 12 records", "{errors}");
    assert!(errors[0]["extra"]["stack"].as_str().unwrap().contains("main.js:3"), "{errors}");

    terminal.write("plugins/odd/hangs", "");
    assert_eq!(terminal.types(&["start", "odd"]).code, 0);
    assert_eq!(terminal.types(&["stop", "odd"]).code, 0);
    let why = terminal.types(&["why", "odd"]).out;
    assert!(why.contains("it did not answer `stop` within 1s, and was killed by SIGTERM (15)"), "{why}");
    let errors = terminal.types(&["logs", "odd", "--level", "error"]).out;
    assert!(errors.contains("it did not answer `stop` within 1s"), "{errors}");
}
