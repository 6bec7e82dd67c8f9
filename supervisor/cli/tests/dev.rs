//! `outboard dev`: what is saved runs a moment later, what is wrong is told with its line, and nothing is left behind.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step fails the test")]

mod developed;
mod supervised;
mod terminal;

use developed::{Dev, answer, edit, has, module_of_a_new_plugin};
use terminal::Terminal;

#[test]
fn what_is_saved_runs_a_moment_later_in_every_language_of_new() {
    for (language, program, file, from, to) in [
        ("js", "node", "background/index.js", "hello: \"world\"", "hello: \"sky\""),
        ("ts", "node", "index.ts", "hello: \"world\"", "hello: \"sky\""),
        ("py", "python3", "main.py", "\"world\"", "\"sky\""),
        ("bash", "jq", "plugin.sh", r#"\"world\""#, r#"\"sky\""#),
    ] {
        if !has(program) {
            continue;
        }
        let terminal = Terminal::new();
        assert_eq!(terminal.types(&["new", "mine", "--language", language]).code, 0);
        let dev = Dev::start(&terminal, "mine", &[]);
        let running = dev.hears("running");
        assert!(answer(&running, "mine").contains("world"), "{language}");
        edit(&terminal.path("mine").join(file), from, to);
        assert_eq!(dev.hears("changed")["files"], serde_json::json!([file]));
        dev.hears("restarted");
        assert!(answer(&running, "mine").contains("sky"), "{language}");
        assert_eq!(dev.interrupt(), Some(0), "{language}");
        let left: Vec<_> = std::fs::read_dir(terminal.path("tmp")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_fault_is_told_with_its_file_line_and_the_lines_around_until_it_is_mended() {
    let Some((terminal, module)) = module_of_a_new_plugin() else { return };
    let dev = Dev::start(&terminal, "mine", &[]);
    let running = dev.hears("running");

    edit(&module, "ctx.logger.info(\"Start\"", "ctx.teleport.go(); ctx.logger.info(\"Start\"");
    let failed = dev.hears("failed");
    assert_eq!((&failed["file"], &failed["line"]), (&"background/index.js".into(), &10.into()), "{failed}");
    assert!(
        failed["message"]
            .as_str()
            .unwrap()
            .contains("this host has no ctx.teleport; onStart threw TypeError"),
        "{failed}"
    );
    assert!(failed["frame"].as_str().unwrap().contains("> 10 |     ctx.teleport.go();"), "{failed}");

    // A crash long after the start.
    edit(&module, "ctx.teleport.go();", "setTimeout(() => { null.crash; }, 10);");
    let crashed = dev.hears("failed");
    assert_eq!(
        (&crashed["file"], &crashed["line"]),
        (&"background/index.js".into(), &10.into()),
        "{crashed}"
    );

    edit(&terminal.path("mine/plugin.json"), "\"version\"", "version");
    let invalid = dev.hears("failed");
    assert_eq!((&invalid["file"], &invalid["line"]), (&"plugin.json".into(), &4.into()), "{invalid}");

    edit(&terminal.path("mine/plugin.json"), "version", "\"version\"");
    edit(&module, "setTimeout(() => { null.crash; }, 10);", "");
    dev.hears("restarted");
    assert!(answer(&running, "mine").contains("world"));
    assert_eq!(dev.interrupt(), Some(0));
}

/// A plugin whose program a build makes from `source`: a build that fails where the source says so.
fn built(terminal: &Terminal) {
    terminal.types(&["new", "made", "--language", "py"]);
    let made = terminal.path("made");
    std::fs::create_dir(made.join("src")).unwrap();
    std::fs::rename(made.join("main.py"), made.join("src/main.py")).unwrap();
    terminal.write(
        "made/build.sh",
        "line=$(grep -n BROKEN src/main.py | cut -d: -f1)\nif [ -n \"$line\" ]; then echo \"src/main.py:$line:1: this is broken\"; exit 3; fi\nmkdir -p out && cp plugin.json src/main.py out/\n",
    );
    edit(
        &made.join("plugin.json"),
        "\"run\":",
        "\"dev\": {\"build\": [\"sh\", \"build.sh\"], \"dir\": \"out\"},\n  \"run\":",
    );
}

#[test]
fn a_build_runs_before_the_start_and_after_each_save_and_its_fault_has_a_place() {
    if !has("python3") {
        return;
    }
    let terminal = Terminal::new();
    built(&terminal);
    let source = terminal.path("made/src/main.py");
    edit(&source, "\"world\"", "\"BROKEN\"");
    let dev = Dev::start(&terminal, "made", &[]);
    let failed = dev.hears("failed");
    assert_eq!(failed["file"], "src/main.py", "{failed}");
    assert!(failed["message"].as_str().unwrap().contains("sh build.sh exited with code 3"), "{failed}");
    dev.hears("waiting");
    edit(&source, "\"BROKEN\"", "\"world\"");
    let running = dev.hears("running");
    assert!(answer(&running, "made").contains("world"));

    edit(&source, "\"world\"", "\"BROKEN\"");
    dev.hears("failed");
    assert!(answer(&running, "made").contains("world"), "what ran before goes on");
    edit(&source, "\"BROKEN\"", "\"sky\"");
    dev.hears("restarted");
    assert!(answer(&running, "made").contains("sky"));
    edit(&source, "\"sky\"", "\"BROKEN\"");
    dev.hears("failed");
    assert_eq!(dev.interrupt(), Some(1), "the last build failed");
}

#[test]
fn what_cannot_begin_says_why_and_ends_with_its_code() {
    let terminal = Terminal::new();
    terminal.types(&["new", "mine", "--language", "bash"]);
    let says = |words: &[&str]| {
        let said = terminal.types(words);
        (said.code, said.err)
    };
    let (code, err) = says(&["dev", "absent"]);
    assert!(code == 2 && err.contains("absent is not a folder"), "{code}: {err}");
    std::fs::create_dir(terminal.path("empty")).unwrap();
    let (code, err) = says(&["dev", "empty"]);
    assert!(
        code == 2 && err.contains("empty/plugin.json does not exist") && err.contains("outboard new"),
        "{code}: {err}"
    );
    terminal.write("wrong/plugin.json", "{\"id\": \"Wrong\",\n\"name\": 5}");
    let (code, err) = says(&["dev", "wrong"]);
    assert!(
        code == 1 && err.contains("wrong/plugin.json:2:") && err.contains("plugin.json:1:"),
        "{code}: {err}"
    );
    terminal.write(
        "near/plugin.json",
        "{\"id\":\"near\",\"name\":\"n\",\"version\":\"1.0.0\",\"dev\":{\"biuld\":[\"make\"]}}",
    );
    let (code, err) = says(&["dev", "near"]);
    assert!(
        code == 1 && err.contains("`dev.biuld` is not a key of it; did you mean `build`?"),
        "{code}: {err}"
    );
    terminal.write(
        "gone/plugin.json",
        "{\"id\":\"gone\",\"name\":\"n\",\"version\":\"1.0.0\",\"dev\":{\"build\":[\"./no-such\"]}}",
    );
    let (code, err) = says(&["dev", "gone"]);
    assert!(code == 1 && err.contains("the build cannot be run: \"./no-such\""), "{code}: {err}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, err) = says(&["dev", "mine", "--listen", &taken.local_addr().unwrap().to_string()]);
    assert!(code == 5 && err.contains("is taken") && err.contains("--listen"), "{code}: {err}");
}

#[test]
fn a_request_is_sent_again_after_each_save_to_the_plugin_and_to_nobody_else() {
    let Some((terminal, module)) = module_of_a_new_plugin() else { return };
    // The last that it has had.
    let dev = Dev::start(&terminal, "mine", &["--replay"]);
    let running = dev.hears("running");
    assert!(answer(&running, "mine").contains("world"));
    // It hears of a request by another way than who made it hears the answer.
    assert_eq!(dev.hears("noted")["request"], "GET /api/mine/");
    edit(&module, "\"world\"", "\"sky\"");
    let replayed = dev.hears("replayed");
    assert_eq!((&replayed["request"], &replayed["status"]), (&"GET /api/mine/".into(), &"200 OK".into()));
    assert!(replayed["body"].as_str().unwrap().contains("sky"), "{replayed}");
    assert_eq!(dev.interrupt(), Some(0));

    // The one that was named, with its body; its answer is the plugin's own.
    let route = "else if (request.method === \"POST\") response.json({ type: request.headers[\"content-type\"], length: request.headers[\"content-length\"], all: request.query.all });\n      else next();";
    edit(&module, "else next();", route);
    let dev = Dev::start(&terminal, "mine", &["--replay=POST /api/mine/things?all=yes {\"a\": 1}"]);
    dev.hears("running");
    edit(&module, "\"sky\"", "\"sea\"");
    let replayed = dev.hears("replayed");
    assert_eq!(replayed["status"], "200 OK", "{replayed}");
    let heard: serde_json::Value = serde_json::from_str(replayed["body"].as_str().unwrap()).unwrap();
    assert_eq!(heard, serde_json::json!({ "type": "application/json", "length": "8", "all": "yes" }));
    assert_eq!(dev.interrupt(), Some(0));

    // Another's.
    let dev = Dev::start(&terminal, "mine", &["--replay=GET /api/mine/../../_outboard/health"]);
    dev.hears("running");
    edit(&module, "\"sea\"", "\"sun\"");
    let replayed = dev.hears("replayed");
    assert!(replayed["error"].as_str().unwrap().contains("is not sent"), "{replayed}");
    assert_eq!(dev.interrupt(), Some(0));
    let said = terminal.types(&["dev", "mine", "--replay=nothing"]);
    assert!(said.code == 2 && said.err.contains("a method and a path"), "{said:?}");
}
