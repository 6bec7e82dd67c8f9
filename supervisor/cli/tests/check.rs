//! `outboard check`: good and bad plugin folders, judged without a supervisor.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod terminal;

use terminal::{Said, Terminal, executable};

fn check(terminal: &Terminal, folder: &str) -> Said {
    terminal.types(&["check", terminal.path(folder).to_str().unwrap()])
}

#[test]
fn a_good_folder_is_ok_and_the_program_is_named() {
    let terminal = Terminal::new();
    let program = terminal.write("good/bin/plugin", "#!/bin/sh\n");
    executable(&program);
    terminal.write(
        "good/plugin.json",
        r#"{"id":"good","name":"Good","version":"1.2.3","run":{"command":["./bin/plugin","--flag"]}}"#,
    );
    let said = check(&terminal, "good");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("good 1.2.3"), "{said:?}");
    assert!(said.out.contains(program.to_str().unwrap()), "{said:?}");
    // What a shell would like to show and does not need.
    assert!(said.out.contains("warning"), "{said:?}");
}

#[test]
fn a_broken_manifest_is_told_with_file_line_and_column() {
    let terminal = Terminal::new();
    terminal.write("bad/plugin.json", "{\n  \"id\": \"bad\",\n  \"name\": 5\n}\n");
    let said = check(&terminal, "bad");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("bad/plugin.json:3:"), "{said:?}");
}

#[test]
fn a_missing_program_is_named_with_its_path() {
    let terminal = Terminal::new();
    terminal.write(
        "lost/plugin.json",
        r#"{"id":"lost","name":"Lost","version":"1.0.0","run":{"command":["./bin/nowhere"]}}"#,
    );
    let said = check(&terminal, "lost");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains(terminal.path("lost/bin/nowhere").to_str().unwrap()), "{said:?}");
}

#[test]
fn a_bare_name_that_is_not_on_the_path_lists_what_was_tried() {
    let terminal = Terminal::new();
    terminal.write(
        "lost/plugin.json",
        r#"{"id":"lost","name":"Lost","version":"1.0.0","run":{"command":["no-such-program"]}}"#,
    );
    let folder = terminal.path("lost");
    let said = terminal.types_with(&[("PATH", "/usr/bin:/bin")], &["check", folder.to_str().unwrap()]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("tried /usr/bin/no-such-program, /bin/no-such-program"), "{said:?}");
}

#[test]
fn a_program_that_is_not_executable_says_how_to_make_it_so() {
    let terminal = Terminal::new();
    terminal.write("plain/run.sh", "#!/bin/sh\n");
    terminal.write(
        "plain/plugin.json",
        r#"{"id":"plain","name":"Plain","version":"1.0.0","run":{"command":["./run.sh"]}}"#,
    );
    let said = check(&terminal, "plain");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("chmod +x"), "{said:?}");
}

#[test]
fn a_folder_without_a_manifest_and_a_path_that_is_no_folder_are_told_apart() {
    let terminal = Terminal::new();
    let empty = check(&terminal, "plugins");
    assert_eq!(empty.code, 1, "{empty:?}");
    assert!(empty.out.contains("plugin.json"), "{empty:?}");
    let nothing = check(&terminal, "nothing");
    assert_eq!(nothing.code, 2, "{nothing:?}");
}

#[test]
fn with_json_the_findings_are_one_object() {
    let terminal = Terminal::new();
    terminal.write("ui/ui/index.js", "export {}");
    terminal.write("ui/plugin.json", r#"{"id":"ui","name":"UI","version":"1.0.0"}"#);
    let said = terminal.types(&["check", "--json", terminal.path("ui").to_str().unwrap()]);
    assert_eq!(said.code, 0, "{said:?}");
    let found = said.json();
    assert_eq!((&found["valid"], &found["id"]), (&true.into(), &"ui".into()));
    assert!(found["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty()), "{found}");
}

#[test]
fn what_run_would_refuse_is_found_before() {
    let terminal = Terminal::new();
    let manifest = |id: &str, command: &str| {
        format!(r#"{{"id":"{id}","name":"x","version":"1.0.0","run":{{"command":{command}}}}}"#)
    };
    executable(&terminal.write("bare/run", "echo hello\n"));
    terminal.write("bare/plugin.json", &manifest("bare", r#"["./run"]"#));
    let said = check(&terminal, "bare");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("#!/bin/sh"), "{said:?}");

    terminal.write("lost/plugin.json", &manifest("lost", r#"["sh", "main.sh", "--level=info"]"#));
    let said = check(&terminal, "lost");
    assert!(said.out.contains("\"main.sh\", and there is no such file"), "{said:?}");
    assert!(!said.out.contains("--level"), "{said:?}");

    terminal.write("venv/plugin.json", &manifest("venv", r#"["./.venv/bin/python", "main.py"]"#));
    let said = check(&terminal, "venv");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains(".venv/bin/python"), "{said:?}");
}

#[test]
fn the_program_of_a_virtual_environment_is_found_and_a_broken_one_is_told() {
    let terminal = Terminal::new();
    let manifest = r#"{"id":"venv","name":"x","version":"1.0.0","run":{"command":["python3","-V"]}}"#;
    terminal.write("venv/plugin.json", manifest);
    executable(&terminal.write("venv/.venv/bin/python3", "#!/bin/sh\n"));
    let said = check(&terminal, "venv");
    assert!(said.code == 0 && said.out.contains("venv/.venv/bin/python3"), "{said:?}");

    executable(&terminal.write("venv/.venv/bin/python3", "#!/moved/away/bin/python3\n"));
    let said = check(&terminal, "venv");
    assert_eq!(said.code, 1, "{said:?}");
    for part in ["virtual environment", "/moved/away/bin/python3, which is not there", "python3 -m venv"] {
        assert!(said.out.contains(part), "{part:?} is missing: {said:?}");
    }
}

#[test]
fn a_module_that_cannot_be_loaded_is_told_with_its_line() {
    let terminal = Terminal::new();
    terminal.write("broken/plugin.json", r#"{"id":"broken","name":"x","version":"1.0.0"}"#);
    terminal.write("broken/background/index.js", "import fs from \"node:fs\";\nexport default { a({} }\n");
    let said = check(&terminal, "broken");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("index.js:2") && said.out.contains("SyntaxError"), "{said:?}");

    terminal.write("empty/plugin.json", r#"{"id":"empty","name":"x","version":"1.0.0"}"#);
    terminal.write("empty/background/index.js", "export const a = 1;\n");
    let said = check(&terminal, "empty");
    assert!(said.out.contains("no default export"), "{said:?}");
}

#[test]
fn a_module_is_judged_by_its_syntax_and_never_by_words_in_it() {
    let terminal = Terminal::new();
    terminal.write("js/plugin.json", r#"{"id":"js","name":"x","version":"1.0.0"}"#);
    let bundled =
        "import fs from \"node:fs\";\nvar lib = (module) => { module.exports = fs; };\nexport default lib;\n";
    for (text, kind) in [
        (bundled, "{}"),
        (bundled, r#"{"type":"commonjs"}"#),
        ("const fs = require(\"fs\");\nmodule.exports = fs; // no import in it\n", "{}"),
        ("#!/usr/bin/env node\nexport default await 5;\n", r#"{"type":"commonjs"}"#),
    ] {
        terminal.write("js/background/index.js", text);
        terminal.write("js/package.json", kind);
        let said = check(&terminal, "js");
        assert_eq!(said.code, 0, "{text}: {said:?}");
    }
}

#[test]
fn what_a_module_imports_is_looked_at_and_a_construct_of_typescript_is_named() {
    let terminal = Terminal::new();
    let manifest = r#"{"id":"ts","name":"x","version":"1.0.0","background":{"entryModule":"main.ts"}}"#;
    terminal.write("ts/plugin.json", manifest);
    terminal.write("ts/main.ts", "import \"./units\";\nimport \"left-pad\";\nexport default {};\n");
    terminal.write("ts/units.ts", "export const a: number = 1;\nnamespace Units { export const FT = 2; }\n");
    let said = check(&terminal, "ts");
    assert_eq!(said.code, 1, "{said:?}");
    for part in
        ["ts/units.ts:2 cannot be loaded", "the namespace Units", "\"left-pad\", which is not installed"]
    {
        assert!(said.out.contains(part), "{part:?} is missing: {said:?}");
    }
    assert!(std::fs::read_dir(terminal.path("home")).unwrap().next().is_none(), "it leaves nothing behind");
}

#[test]
fn a_manifest_mistake_names_its_key_and_what_it_ought_to_be() {
    let terminal = Terminal::new();
    for (wrong, told) in [
        (
            r#""run":{"command":"python3 main.py"}"#,
            "`run.command` ought to be a list of texts, such as [\"python3\", \"main.py\"]",
        ),
        (
            r#""run":{"command":["a"],"protocol":"None"}"#,
            "`run.protocol` ought to be \"outboard\" or \"none\"",
        ),
        (r#""limits":{"memory":true}"#, "`limits.memory` ought to be"),
        (r#""run":{"command":["a", 5]}"#, "`run.command[1]` ought to be a list of texts"),
    ] {
        terminal.write("bad/plugin.json", &format!(r#"{{"id":"bad","name":"x","version":"1.0.0",{wrong}}}"#));
        let said = check(&terminal, "bad");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.out.contains(told) && said.out.contains("plugin.json:1:"), "{told}: {said:?}");
    }
    terminal.write("bad/plugin.json", r#"{"id":"bad","name":5,"version":"1"}"#);
    assert!(check(&terminal, "bad").out.contains("`name` ought to be a text"));
    terminal.write("bad/plugin.json", r#"{"id":"bad","name":"x","version":"1"}"#);
    assert!(check(&terminal, "bad").out.contains("`version` ought to be three numbers in quotes"));
}

#[test]
fn every_mistake_of_a_manifest_is_told_at_once() {
    let terminal = Terminal::new();
    terminal
        .write("bad/plugin.json", "{\n\"id\":\"bad\",\n\"name\":5,\n\"version\":\"1\",\n\"wire\":\"tcp\"\n}");
    let said = check(&terminal, "bad");
    assert_eq!(said.code, 1, "{said:?}");
    for (line, told) in
        [(3, "`name` ought to be a text"), (4, "`version` ought to be"), (5, "`wire` ought to be")]
    {
        let line = format!("plugin.json:{line}:");
        let whole = |row: &&str| row.starts_with("error") && row.contains(&line) && row.contains(told);
        assert!(said.out.lines().find(whole).is_some(), "{told}: {said:?}");
    }
}

#[test]
fn a_misspelt_key_does_not_pass() {
    let terminal = Terminal::new();
    let manifest = r#"{"id":"top","name":"Top","version":"1.0.0","run":{"command":["cat"]},"htpp":{},"availableSetting":[],"limit":{},"mine":1}"#;
    terminal.write("top/plugin.json", manifest);
    let said = check(&terminal, "top");
    assert_eq!(said.code, 1, "{said:?}");
    for meant in ["http", "availableSettings", "limits"] {
        assert!(said.out.contains(&format!("did you mean `{meant}`?")), "{said:?}");
    }
    assert!(!said.out.contains("`mine`"), "{said:?}");
}

#[test]
fn a_manifest_one_level_down_is_pointed_at() {
    let terminal = Terminal::new();
    let manifest = r#"{"id":"vite","name":"x","version":"1.0.0","run":{"command":["cat"]}}"#;
    terminal.write("vite/src/plugin.json", manifest);
    terminal.write("vite/dist/plugin.json", manifest);
    let said = check(&terminal, "vite");
    let hint =
        format!("there is one in {}: is that the plugin's folder?", terminal.path("vite/dist").display());
    assert!(said.code == 1 && said.out.contains(&hint), "{said:?}");
    std::fs::create_dir(terminal.path("none")).unwrap();
    assert!(!check(&terminal, "none").out.contains("there is one"));
}

#[test]
fn what_a_store_would_like_is_one_line() {
    let terminal = Terminal::new();
    terminal.write("ui/ui/index.js", "export {}");
    terminal.write("ui/plugin.json", r#"{"id":"ui","name":"UI","version":"1.0.0"}"#);
    let said = check(&terminal, "ui");
    assert_eq!(said.out.matches("warning").count(), 1, "{said:?}");
    assert!(said.out.contains("`author`") && said.out.contains("`icon_dark`"), "{said:?}");
}

#[test]
fn what_a_plugin_counts_on_and_this_host_lacks_is_listed_with_file_and_line_and_is_no_error() {
    if !std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|dir| dir.join("node").is_file()) {
        eprintln!("not run: there is no node");
        return;
    }
    let terminal = Terminal::new();
    terminal.write("far/plugin.json", r#"{"id":"far","name":"Far","version":"1.0.0"}"#);
    terminal.write(
        "far/background/index.js",
        r#"import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";
import { setup } from "./setup.js";
class Keeper { constructor(given) { this.ctx = given; } go() { this.ctx.kept.play(); } }
export default createPlugin({
  onStart(ctx) {
    ctx.logger.info("Start", "up");
    ctx.teleport.onUpdate(() => {});
    ctx.gate?.open();
    const { taken, config } = ctx;
    setup(config, ctx);
    new Keeper(ctx);
    const canvas = { fill() {} };
    canvas.fill();
  },
  onStop() {},
});
"#,
    );
    terminal.write(
        "far/background/setup.js",
        "export function setup(config, host) {\n  host.handed(config);\n  host.ipc.send(\"x\");\n}\n",
    );
    terminal.write(
        "far/ui/index.js",
        "import { useState } from \"react\";\nimport {\n  usePluginContext,\n  useTeleport,\n} from \"@skyvexsoftware/stratos-sdk\";\nexport default () => useTeleport(useState, usePluginContext);\n",
    );
    let said = check(&terminal, "far");
    assert_eq!(said.code, 0, "{said:?}");
    for wanted in [
        "far/background/index.js:7: it reads ctx.teleport, which this host does not have: it gets undefined\n",
        "far/background/index.js:8: it reads ctx.gate, which this host does not have: it gets undefined, and asks first\n",
        "far/background/index.js:9: it reads ctx.taken,",
        "far/background/setup.js:2: it reads ctx.handed,",
        "far/background/index.js:3: it reads ctx.kept,",
        "far/ui/index.js:4: it imports useTeleport of \"@skyvexsoftware/stratos-sdk\", which this host's page does not have",
    ] {
        assert!(said.out.contains(wanted), "{wanted}: {said:?}");
    }
    let besides = said.out.lines().filter(|line| line.contains("does not have")).count();
    assert_eq!(besides, 6, "and nothing else: {said:?}");
    let json = terminal.types(&["check", terminal.path("far").to_str().unwrap(), "--json"]).json();
    assert!(json["valid"] == true && json["warnings"].as_array().unwrap().len() >= 6, "{json}");

    // A name of the SDK that is imported and not there.
    terminal.write(
        "far/background/index.js",
        "import { createPlugin, defineTeleport } from \"@skyvexsoftware/stratos-sdk/helpers\";\nexport default createPlugin(defineTeleport({ onStart() {}, onStop() {} }));\n",
    );
    let said = check(&terminal, "far");
    assert!(
        said.out.contains(
            "far/background/index.js:1: it imports defineTeleport of \"@skyvexsoftware/stratos-sdk/helpers\""
        ),
        "{said:?}"
    );
}

#[test]
fn what_a_python_plugin_counts_on_is_read_from_its_text_and_never_run() {
    let python = |dir: std::path::PathBuf| dir.join("python3").is_file();
    if !std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(python) {
        eprintln!("not run: there is no python3");
        return;
    }
    let terminal = Terminal::new();
    let manifest =
        r#"{"id":"far","name":"Far","version":"1.0.0","run":{"command":["python3","-u","main.py"]}}"#;
    terminal.write("far/plugin.json", manifest);
    terminal.write(
        "far/main.py",
        r#"from outboard_plugin import Context, Plugin
open("was-run", "w").close()
plugin = Plugin()
class Keeper:
    def __init__(self, given):
        self.ctx = given
    def go(self):
        self.ctx.kept.play()
def setup(config, host):
    host.handed(config)
@plugin.on_start
async def start(ctx):
    ctx.logger.info("a", "b")
    ctx.teleport.go()
    getattr(ctx, "gate", None)
    setup(ctx.config, ctx)
    Keeper(ctx)
    canvas = object()
    canvas.fill()
async def later(host: Context) -> None:
    await host.wait(host.service("x").call("y"))
"#,
    );
    terminal.write("far/venv/other.py", "def broken(:\n");
    terminal.write("far/more/later.py", "x = (\n");
    let said = check(&terminal, "far");
    assert_eq!(said.code, 0, "{said:?}");
    for wanted in [
        "far/main.py:8: it reads ctx.kept, which this host does not have: AttributeError follows",
        "far/main.py:10: it reads ctx.handed,",
        "far/main.py:14: it reads ctx.teleport,",
        "far/main.py:15: it reads ctx.gate, which this host does not have: it gets nothing, and asks first",
        "far/more/later.py:1: SyntaxError:",
    ] {
        assert!(said.out.contains(wanted), "{wanted}: {said:?}");
    }
    assert_eq!(said.out.matches("it reads ctx.").count(), 4, "and nothing else: {said:?}");
    assert!(!terminal.path("far/was-run").exists() && !terminal.path("was-run").exists(), "it was run");
    assert!(!terminal.path("far/__pycache__").exists());

    terminal.write("far/main.py", "def broken(:\n    pass\n");
    let said = check(&terminal, "far");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("far/main.py:1 cannot be loaded: SyntaxError:"), "{said:?}");
}
