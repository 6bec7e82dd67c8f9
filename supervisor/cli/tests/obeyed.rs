//! Nothing that a plugin says is obeyed by the terminal that shows it, whichever verb shows it.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Instant;

use supervised::{PATIENCE, Supervised};
use terminal::Terminal;

/// Says everything with what a terminal would obey in it: CSI of seven and of eight bits, OSC, DEL, and a turn of the writing.
const PLUGIN: &str = r#"import json, os, sys
ODD = "\x1b[31m\x9b5A\x1b]0;title\x07\x9d1\x9c\x7f\u202e\u2066\r"
def send(**message): sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False) + "\n"); sys.stdout.flush()
for line in sys.stdin:
    message = json.loads(line)
    method, number = message.get("method"), message.get("id")
    if number is None or method is None: continue
    if method == "initialize":
        send(id=number, result={"protocolVersion": 1})
    elif method == "start":
        print("stderr" + ODD, file=sys.stderr, flush=True)
        print("stdout" + ODD, flush=True)
        send(id=1, method="ipc.handle", params={"channel": "say"})
        send(id=2, method="ipc.handle", params={"channel": "fail"})
        send(id=3, method="config.set", params={"key": "odd", "value": ODD})
        open(os.environ["OUTBOARD_DATA_DIR"] + "/f" + ODD, "w").close()
        send(method="ipc.send", params={"channel": "odd", "payload": [ODD], "retain": True})
        send(method="log", params={"level": "error", "tag": "t" + ODD, "message": "m" + ODD, "extra": {"stack": ODD}})
        send(method="log", params={"level": "error", "tag": "t", "message": "m", "extra": {"text": ODD, ODD: 1}})
        send(id=number, result={})
    elif method == "ipc.invoke" and message["params"]["channel"] == "say":
        send(id=number, result={"said": ODD})
    elif method == "ipc.invoke":
        send(id=number, error={"code": 1, "message": "no" + ODD + "\noutboard: a line of its own", "data": {"stack": ODD}})
    elif method == "stop":
        sys.exit(3)
    else:
        send(id=number, result={})
"#;

fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn assert_harmless(what: &str, text: &str) {
    let obeyed: Vec<char> = text.chars().filter(|c| is_obeyed(*c)).collect();
    assert!(obeyed.is_empty(), "{what} sends {obeyed:?}: {text:?}");
}

#[test]
fn no_verb_sends_a_terminal_what_a_plugin_wants_it_to_obey() {
    let terminal = Terminal::new();
    terminal.write("plugins/odd/main.py", PLUGIN);
    terminal.write(
        "plugins/odd/plugin.json",
        r#"{"id":"odd","name":"odd","version":"1.0.0","run":{"command":["python3","main.py"]}}"#,
    );
    let mut command =
        terminal.command(&["run", "--listen", "127.0.0.1:0", "--exit-with-parent", "--plugins", "plugins"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut ready = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(ready.any(|line| line.unwrap().starts_with("ready at")));
    let mut errors = child.stderr.take().unwrap();
    let console = std::thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).map(|_| text)
    });
    let (_, lines) = std::sync::mpsc::sync_channel(1);
    let mut supervised = Supervised { terminal: &terminal, child, lines };
    supervised.until(&["config", "get", "odd", "odd", "--json"], |value| !value.is_null());

    let asked: [(&[&str], bool); 10] = [
        (&["call", "odd", "say"], true),
        (&["call", "odd", "fail"], false),
        (&["logs", "odd"], true),
        (&["db", "odd"], true),
        (&["config", "get", "odd", "odd"], true),
        (&["config", "list", "odd"], true),
        (&["config", "export", "odd"], true),
        (&["status", "odd"], true),
        (&["why", "odd"], true),
        (&["stop", "odd"], true),
    ];
    for (words, shown) in asked {
        for json in [false, true] {
            let mut all = words.to_vec();
            all.extend(json.then_some("--json"));
            let said = terminal.types(&all);
            assert_harmless(&all.join(" "), &said.out);
            assert_harmless(&all.join(" "), &said.err);
            assert_eq!(said.code == 0, shown, "{all:?}: {said:?}");
            assert!(!said.err.lines().skip(1).any(|line| line.starts_with("outboard:")), "{said:?}");
        }
    }
    let kept = terminal.types(&["why", "odd"]);
    assert!(kept.out.contains("stderr"), "the last words are shown: {kept:?}");
    assert_harmless("why", &kept.out);

    for words in [&["listen", "odd"][..], &["listen", "odd", "--json"], &["logs", "odd", "-f", "-n", "9"]] {
        let mut child = terminal.command(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "{words:?}");
        assert_harmless(&words.join(" "), &line);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    drop(supervised.child.stdin.take());
    supervised.ended();
    let began = Instant::now();
    let said = console.join().unwrap().unwrap();
    assert!(began.elapsed() < PATIENCE && said.contains("odd"), "{said}");
    assert_harmless("the console", &said);
}
