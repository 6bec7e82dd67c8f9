//! What plugins keep, through the built binary: configuration as a document, databases, backup and restore.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use supervised::{Supervised, install};
use terminal::{Said, Terminal};

/// `sqlite3` with these words, which `make test` installs.
fn sqlite3(words: &[&str]) -> String {
    let output = Command::new("sqlite3").args(words).output().expect("these tests need sqlite3 on the PATH");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn tar(words: &[&str]) -> String {
    let output = Command::new("tar").args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn unpack(terminal: &Terminal, archive: &str, folder: &str) {
    let folder = terminal.path(folder);
    std::fs::create_dir(&folder).unwrap();
    tar(&["-xf", terminal.path(archive).to_str().unwrap(), "-C", folder.to_str().unwrap()]);
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn done(said: Said) -> Said {
    assert_eq!(said.code, 0, "{said:?}");
    said
}

#[test]
fn settings_are_listed_with_value_default_scope_and_source() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    terminal.write(
        "plugins/good/plugin.json",
        r#"{"id":"good","name":"good","version":"1.0.0","run":{"command":["./plugin.sh"]},"availableSettings":[
            {"key":"limit","name":"Limit","type":"number","scope":"user","default":7},
            {"key":"callsign","name":"Callsign","type":"text","scope":"airline","default":"none"}]}"#,
    );
    let (_supervised, _) = Supervised::ready(&terminal);
    done(terminal.types(&["config", "set", "good", "limit", "9"]));
    let listed = terminal.types(&["config", "list", "good"]).out;
    let row = |key: &str| {
        let line = listed.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("KEY"), ["KEY", "SOURCE", "SCOPE", "DEFAULT", "VALUE"]);
    assert_eq!(row("limit"), ["limit", "stored", "user", "7", "9"]);
    assert_eq!(row("callsign"), ["callsign", "default", "airline", "\"none\"", "\"none\""]);
}

#[test]
fn configuration_goes_out_as_a_document_and_comes_back_whole_or_not_at_all() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    install(&terminal, "other");
    let (_supervised, _) = Supervised::ready(&terminal);
    let exact = "123456789012345678901234567890.5";
    done(terminal.types(&["config", "set", "good", "name", "five"]));
    let document = format!(r#"{{"version":1,"plugins":{{"good":{{"exact":{exact},"list":[1]}}}}}}"#);
    done(terminal.types_into(&document, &["config", "import", "good", "-"]));

    let printed = done(terminal.types(&["config", "export", "good"])).out;
    assert!(printed.contains(exact) && printed.contains(r#""name":"five""#), "{printed}");
    done(terminal.types(&["config", "export", "good", "kept.json"]));
    let kept = terminal.path("kept.json");
    assert_eq!((std::fs::read_to_string(&kept).unwrap(), mode(&kept)), (printed, 0o600));

    for key in ["name", "exact", "list"] {
        done(terminal.types(&["config", "delete", "good", key]));
    }
    assert!(done(terminal.types(&["config", "import", "good", "kept.json"])).out.starts_with("3 keys"));
    assert_eq!(terminal.types(&["config", "get", "good", "name"]).out.trim(), "\"five\"");

    let for_another = terminal.types(&["config", "import", "other", "kept.json"]);
    assert_eq!(for_another.code, 2, "{for_another:?}");
    assert!(for_another.err.contains("good"), "{for_another:?}");
    let half = r#"{"version":1,"plugins":{"good":{"name":"six","":1}}}"#;
    assert_eq!(terminal.types_into(half, &["config", "import", "good", "-"]).code, 2);
    assert_eq!(terminal.types(&["config", "get", "good", "name"]).out.trim(), "\"five\"");
}

#[test]
fn a_value_is_set_as_it_was_written_or_refused_with_its_place() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (_supervised, _) = Supervised::ready(&terminal);
    let exact = "123456789012345678901234567890.5";
    for (given, kept) in [
        (exact, exact),
        ("18446744073709551616", "18446744073709551616"),
        ("five", "\"five\""),
        ("\"5\"", "\"5\""),
        ("1 2", "\"1 2\""),
        ("undefined", "\"undefined\""),
        ("{\"a\":[1.50]}", "{\"a\":[1.50]}"),
    ] {
        done(terminal.types(&["config", "set", "good", "k", given]));
        assert_eq!(terminal.types(&["config", "get", "good", "k"]).out.trim(), kept, "{given}");
    }
    let last = "{\"a\":[1.50]}";
    let deep = format!("{}{}", "[".repeat(98), "]".repeat(98));
    for (given, place) in [
        ("NaN", "NaN is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("{\"a\":NaN}", "column 6"),
        ("[1,2", "column 4"),
        ("1e400", "`value` cannot be read"),
        ("{\"a\":[0,1e400]}", "`value.a[1]` cannot be read"),
        ("\"\\ud83d\"", "`value` cannot be read"),
        (&deep, "nested deeper than 97 levels"),
    ] {
        let said = terminal.types(&["config", "set", "good", "k", "--", given]);
        assert!(said.code == 2 && said.err.contains(place), "{given}: {said:?}");
        if place.starts_with('`') || given == deep {
            let document = format!(r#"{{"version":1,"plugins":{{"good":{{"k":{given}}}}}}}"#);
            let said = terminal.types_into(&document, &["config", "import", "good", "-"]);
            assert!(
                said.code == 2 && said.err.contains(place) && said.err.contains("\"k\""),
                "{given}: {said:?}"
            );
        }
    }
    assert_eq!(terminal.types(&["config", "get", "good", "k"]).out.trim(), last);
}

#[test]
fn a_plugins_databases_are_listed_and_looked_into_and_never_changed() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (_supervised, _) = Supervised::ready(&terminal);
    assert!(done(terminal.types(&["db", "good"])).out.contains("no files"));
    done(terminal.types(&["call", "good", "open"]));
    let file = terminal.path("data/plugins-data/good/flights.db");
    sqlite3(&[file.to_str().unwrap(), "CREATE TABLE flights (id); INSERT INTO flights VALUES (42);"]);
    terminal.write("data/plugins-data/good/notes.txt", "no database");

    let listed = done(terminal.types(&["db", "good", "--json"])).json();
    assert_eq!(listed["files"][0]["name"], "flights.db", "{listed}");
    assert_eq!(listed["files"][0]["bytes"], std::fs::metadata(&file).unwrap().len(), "{listed}");
    assert_eq!(listed["use"]["opened"], serde_json::json!(["flights.db"]), "{listed}");
    let told = done(terminal.types(&["db", "good"])).out;
    assert!(told.lines().any(|line| line.contains("flights.db") && line.contains("database")), "{told}");
    let status = done(terminal.types(&["status", "good"])).out;
    assert!(status.contains("flights.db") && status.contains("1.0 GiB"), "{status}");

    let read = done(terminal.types_into("SELECT id FROM flights;", &["db", "good", "flights.db"]));
    assert_eq!(read.out.trim(), "42");
    let written = terminal.types_into("DELETE FROM flights;", &["db", "good", "flights.db"]);
    assert!(written.err.contains("readonly"), "{written:?}");
    assert_eq!(sqlite3(&[file.to_str().unwrap(), "SELECT count(*) FROM flights"]), "1");

    assert_eq!(terminal.types(&["db", "good", "none.db"]).code, 4);
    assert_eq!(terminal.types(&["db", "good", "notes.txt"]).code, 1);
    for name in ["../other/x.db", "/etc/passwd", "..", ""] {
        assert_eq!(terminal.types(&["db", "good", name]).code, 2, "{name:?}");
    }
    let empty = terminal.path("home");
    let missing = terminal.types_with(&[("PATH", empty.to_str().unwrap())], &["db", "good", "flights.db"]);
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(missing.err.contains("not installed") && missing.err.contains("flights.db"), "{missing:?}");
}

#[test]
fn a_backup_is_made_while_all_runs_and_put_back_while_nothing_does() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (mut supervised, _) = Supervised::ready(&terminal);
    let file = terminal.path("data/plugins-data/good/flights.db");
    let file = file.to_str().unwrap();
    done(terminal.types(&["config", "set", "good", "k", "1"]));
    done(terminal.types(&["call", "good", "open"]));
    sqlite3(&[file, "PRAGMA journal_mode=WAL; CREATE TABLE flights (id); INSERT INTO flights VALUES (1);"]);

    let made = done(terminal.types(&["backup", "safe.tar", "--json"])).json();
    assert_eq!(made["files"], serde_json::json!(["state.db", "plugins-data/good/flights.db"]), "{made}");
    assert_eq!(made["skipped"], serde_json::json!([]), "{made}");
    let safe = terminal.path("safe.tar");
    let length = std::fs::metadata(&safe).unwrap().len();
    assert_eq!((&made["file"], &made["bytes"]), (&safe.to_str().unwrap().into(), &length.into()), "{made}");
    assert_eq!(mode(&safe), 0o600);
    let listed = tar(&["-tf", safe.to_str().unwrap()]);
    let all = ["state.db", "plugins-data/good/flights.db", "backup.json"];
    assert_eq!(listed.lines().collect::<Vec<_>>(), all, "plain names, and no secret among them");
    unpack(&terminal, "safe.tar", "unpacked");
    let kept = terminal.path("unpacked/plugins-data/good/flights.db");
    assert_eq!(
        (sqlite3(&["-readonly", kept.to_str().unwrap(), "SELECT id FROM flights"]), mode(&kept)),
        ("1".to_owned(), 0o600)
    );
    let before = std::fs::read(&safe).unwrap();
    let again = terminal.types(&["backup", "safe.tar"]);
    assert_eq!(again.code, 5, "a backup never replaces anything: {again:?}");
    assert!(again.err.contains("safe.tar already"), "{again:?}");
    assert_eq!(std::fs::read(&safe).unwrap(), before);
    assert_eq!(terminal.types(&["backup", "unpacked"]).code, 5);
    let folder = terminal.types(&["backup", "new-folder/"]);
    assert!(folder.code == 2 && folder.err.contains("one file"), "{folder:?}");
    assert_eq!(terminal.types(&["backup", "nowhere/safe.tar"]).code, 2);

    done(terminal.types(&["config", "set", "good", "k", "2"]));
    sqlite3(&[file, "INSERT INTO flights VALUES (2)"]);
    let data = terminal.path("data");
    let data = data.to_str().unwrap();
    let refused = terminal.types(&["restore", "safe.tar", "--data", data]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.err.contains("in use"), "{refused:?}");
    assert_eq!(terminal.types(&["config", "get", "good", "k"]).out.trim(), "2");
    supervised.signal("TERM");
    supervised.ended();

    let restored = done(terminal.types(&["restore", "safe.tar", "--data", data, "--json"])).json();
    let aside = Path::new(restored["aside"].as_str().unwrap());
    let old = aside.join("plugins-data/good/flights.db");
    assert_eq!(sqlite3(&[old.to_str().unwrap(), "SELECT count(*) FROM flights"]), "2");
    assert!(aside.join("state.db").exists());
    assert_eq!(sqlite3(&[file, "SELECT count(*) FROM flights"]), "1");
    let (_again, ready) = Supervised::ready(&terminal);
    assert_eq!(ready["plugins"][0]["state"], "running", "{ready}");
    assert_eq!(terminal.types(&["config", "get", "good", "k"]).out.trim(), "1");
}

#[test]
fn a_damaged_or_foreign_backup_changes_nothing() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (mut supervised, _) = Supervised::ready(&terminal);
    done(terminal.types(&["config", "set", "good", "k", "1"]));
    done(terminal.types(&["backup", "safe.tar"]));
    supervised.signal("TERM");
    supervised.ended();
    let data = terminal.path("data");
    let before = std::fs::read(data.join("state.db")).unwrap();
    let restores = |backup: &str| terminal.types(&["restore", backup, "--data", data.to_str().unwrap()]);
    let whole = std::fs::read(terminal.path("safe.tar")).unwrap();
    std::fs::write(terminal.path("half.tar"), &whole[..whole.len() / 2]).unwrap();
    let half = restores("half.tar");
    assert_eq!(half.code, 2, "{half:?}");
    let says = ["half.tar", "ends in the middle", "copy it again", "nothing was changed"];
    assert!(says.iter().all(|words| half.err.contains(words)), "{half:?}");
    assert_eq!(restores("plugins/good/plugin.json").code, 2);
    unpack(&terminal, "safe.tar", "safe");
    let restore = || restores("safe");

    std::fs::write(terminal.path("safe/state.db"), "no database").unwrap();
    let damaged = restore();
    assert_eq!(damaged.code, 1, "{damaged:?}");
    assert!(damaged.err.contains("state.db") && damaged.err.contains("nothing was changed"), "{damaged:?}");
    for name in ["../../home/x", "plugins-data/good/../../x.db", "credential", "/etc/passwd"] {
        let list = format!(r#"{{"version":1,"outboard":"0","made":"","files":["{name}"]}}"#);
        terminal.write("safe/backup.json", &list);
        let foreign = restore();
        assert_eq!(foreign.code, 2, "{name}: {foreign:?}");
        assert!(foreign.err.contains("is not a backup"), "{name}: {foreign:?}");
    }
    assert_eq!(terminal.types(&["restore", "plugins", "--data", data.to_str().unwrap()]).code, 2);
    assert_eq!(std::fs::read(data.join("state.db")).unwrap(), before);
    let left: Vec<_> = std::fs::read_dir(&data)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.contains("restore"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
