//! JavaScript plugins under `outboard run`: what the documentation tells an author to type works, and no plugin changes what the
//! others run. How the runner takes modules is tested in plugin-sdk/typescript/tests/modules.test.mjs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use std::path::{Path, PathBuf};

use supervised::{Supervised, get};
use terminal::Terminal;

/// What `npm init -y` writes.
const NPM_INIT: &str =
    r#"{ "name": "greeter", "version": "1.0.0", "main": "index.js", "license": "ISC", "type": "commonjs" }"#;
/// The package as every JavaScript plugin imports it.
const SDK: &str = "node_modules/@skyvexsoftware/stratos-sdk";
/// Says what somebody else has made it run.
const WHO: &str = "import { createPlugin } from \"@skyvexsoftware/stratos-sdk/helpers\";
export default createPlugin({
  onStart(ctx) { ctx.ipc.handle(\"who\", () => globalThis.POISON ?? \"clean\"); },
  onStop() {},
});
";

#[test]
fn a_new_plugin_runs_after_npm_init_and_below_an_application_of_commonjs() {
    let terminal = Terminal::new();
    terminal.write("package.json", r#"{ "private": true, "type": "commonjs" }"#);
    for language in ["js", "ts"] {
        for id in [format!("plain-{language}"), format!("npm-{language}")] {
            let folder = format!("plugins/{id}");
            assert_eq!(terminal.types(&["new", &folder, "--language", language]).code, 0);
            if id.starts_with("npm") {
                terminal.write(&format!("{folder}/package.json"), NPM_INIT);
            }
            let checked = terminal.types(&["check", &folder]);
            assert_eq!(checked.code, 0, "{checked:?}");
        }
    }
    let (_supervised, ready) = Supervised::ready(&terminal);
    let listen = ready["listen"].as_str().unwrap();
    for id in ["plain-js", "npm-js", "plain-ts", "npm-ts"] {
        let answer = get(listen, &format!("/api/{id}/"));
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("world"), "{id}: {answer}");
    }
}

#[test]
fn a_plugin_that_changes_the_runner_changes_nothing_that_starts_after_it() {
    let terminal = Terminal::new();
    for id in ["a", "b"] {
        terminal.write(
            &format!("plugins/{id}/plugin.json"),
            &format!(r#"{{"id":"{id}","name":"x","version":"1.0.0"}}"#),
        );
        terminal.write(&format!("plugins/{id}/background/index.js"), WHO);
    }
    let (supervised, _) = Supervised::ready(&terminal);
    let runner = unpacked(&terminal);
    poison(&runner.join("main.mjs"));
    assert_eq!(terminal.types(&["restart", "a"]).code, 0);
    supervised.until(&["call", "a", "who"], |answer| answer == "clean");

    // A folder in the place of the shared link is never used, whatever comes after.
    let link = terminal.path("plugins").join(SDK);
    let real = std::fs::canonicalize(&link).unwrap();
    std::fs::remove_file(&link).unwrap();
    std::fs::create_dir(&link).unwrap();
    for file in ["index.mjs", "index.cjs", "package.json"] {
        std::fs::copy(real.join(file), link.join(file)).unwrap();
    }
    for file in ["index.mjs", "index.cjs"] {
        poison(&link.join(file));
    }
    assert_eq!(terminal.types(&["restart", "b"]).code, 0);
    supervised.until(&["call", "b", "who"], |answer| answer == "clean");
    let said = terminal.types(&["logs", "--grep", "is not the link that Outboard puts there"]);
    assert!(said.out.contains(SDK), "{said:?}");
    drop(supervised);
    let (supervised, _) = Supervised::ready(&terminal);
    supervised.until(&["call", "a", "who"], |answer| answer == "clean");
}

fn unpacked(terminal: &Terminal) -> PathBuf {
    let folders = std::fs::read_dir(terminal.path("data/runner")).unwrap();
    folders.map(|entry| entry.unwrap().path()).next().expect("the runner is unpacked")
}

/// As one does who may not write the file.
fn poison(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, format!("globalThis.POISON = \"poisoned\";{text}")).unwrap();
}
