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

/// What npm has put into this repository: the test needs no network.
fn installed() -> Option<std::path::PathBuf> {
    let modules = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node_modules");
    let whole =
        ["vite", "react", "typescript", "@types/react"].iter().all(|name| modules.join(name).is_dir());
    if !whole {
        eprintln!("not run: a project with a UI, which needs `npm ci` here");
    }
    whole.then_some(modules)
}

#[test]
fn a_new_project_with_a_ui_holds_its_types_is_built_and_runs_by_outboard_dev() {
    let Some(modules) = installed() else { return };
    let terminal = Terminal::new();
    let made = terminal.types(&["new", "mine", "--language", "ts", "--ui"]);
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.out.contains("    npm install\n") && made.out.contains("    npm run dev\n"), "{made:?}");
    let mine = terminal.path("mine");
    // As `npm install` does it: what package.json names by a path is linked.
    std::fs::create_dir_all(mine.join("node_modules")).unwrap();
    for (scope, name, folder) in [
        ("@outboard", "plugin-sdk", "plugin-sdk"),
        ("@outboard", "shell", "shell"),
        ("@skyvexsoftware", "stratos-sdk", "stratos-sdk"),
    ] {
        std::fs::create_dir_all(mine.join("node_modules").join(scope)).unwrap();
        std::os::unix::fs::symlink(
            mine.join(".outboard").join(folder),
            mine.join("node_modules").join(scope).join(name),
        )
        .unwrap();
    }
    for name in ["vite", "react", "typescript", "@types", ".bin"] {
        std::os::unix::fs::symlink(modules.join(name), mine.join("node_modules").join(name)).unwrap();
    }
    let typed =
        std::process::Command::new(mine.join("node_modules/.bin/tsc")).current_dir(&mine).output().unwrap();
    assert!(typed.status.success(), "{}", String::from_utf8_lossy(&typed.stdout));

    let tmp = terminal.path("tmp");
    std::fs::create_dir(&tmp).unwrap();
    let mut command = terminal.command(&["dev", "mine", "--json", "--listen", "127.0.0.1:0"]);
    let mut dev = command.env("TMPDIR", &tmp).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(dev.stdout.take().unwrap()));
    for line in lines.map(Result::unwrap) {
        said.push_str(&line);
        if line.contains("\"running\"") || line.contains("\"failed\"") {
            break;
        }
    }
    let running =
        said.rsplit_once("{\"event\":\"running\"").map(|(_, rest)| format!("{{\"event\":\"running\"{rest}"));
    let running: serde_json::Value =
        serde_json::from_str(&running.unwrap_or_else(|| panic!("{said}"))).unwrap();
    let listen = running["origin"].as_str().unwrap().trim_start_matches("http://").to_owned();
    assert!(get(&listen, "/api/mine/").contains("\"hello\":\"world\""), "{said}");
    let bundle = get(&listen, "/_outboard/plugins/mine/ui/index.js");
    assert!(bundle.contains("since the plugin started") && bundle.contains("react/jsx-runtime"), "{bundle}");
    let pid = dev.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    assert!(dev.wait().unwrap().success());
    let checked = terminal.types(&["check", "mine/dist"]);
    assert!(checked.code == 0 && !checked.out.contains("does not have"), "{checked:?}");
}

#[test]
fn a_ui_is_offered_for_typescript_alone_and_the_sdk_goes_into_any_project() {
    let terminal = Terminal::new();
    let said = terminal.types(&["new", "mine", "--ui"]);
    assert!(said.code == 2 && said.err.contains("--language ts"), "{said:?}");
    assert!(!terminal.path("mine").exists());
    std::fs::create_dir(terminal.path("own")).unwrap();
    for _ in 0..2 {
        let said = terminal.types(&["sdk", "install", "own"]);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(
            said.out.contains(
                "npm install --save-dev ./.outboard/plugin-sdk ./.outboard/shell ./.outboard/stratos-sdk"
            ),
            "{said:?}"
        );
    }
    assert!(terminal.path("own/.outboard/stratos-sdk/index.d.ts").is_file());
    assert_eq!(terminal.types(&["sdk", "install", "absent"]).code, 2);
}
