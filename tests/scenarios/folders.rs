//! Whatever lies in a plugin's folder, and whatever becomes of it while the supervisor runs, is that plugin's trouble alone.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Value, json};
use system_tests::binaries::binary;
use system_tests::patience::{GUARD, within};
use system_tests::supervisor::run_command;
use system_tests::tripwire::Tripwire;
use system_tests::{NEIGHBOUR, Plugin, Supervisor, eventually};

/// A user who owns nothing: what root is refused, this one is warned of.
const NOBODY: u32 = 65_534;

/// Puts something else in the place of a file.
fn replace(path: &Path, by: impl FnOnce(&Path)) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = std::fs::remove_file(path);
    by(path);
}

fn pipe(path: &Path) {
    mkfifo(path, Mode::from_bits_truncate(0o755)).unwrap();
}

/// A plugin of the case, and what its state and cause have to say.
fn says(plugin: &Value, state: &str, words: &str) {
    assert_eq!(plugin["state"], state, "{plugin}");
    assert!(plugin["cause"].as_str().unwrap().contains(words), "{words:?} in {plugin}");
}

#[test]
fn what_is_no_file_where_one_should_be_is_that_plugins_trouble_alone() {
    let module = |id: &str| json!({ "id": id, "name": id, "version": "1.0.0" }).to_string();
    let builder = Supervisor::builder()
        .plugin(Plugin::hostile("piped", &[]))
        .plugin(Plugin::hostile("endless", &[]))
        .plugin(Plugin::hostile("piped-endless", &[]))
        .plugin(Plugin::hostile("socketed", &[]))
        .plugin(Plugin::command("piped-program", &["./program"]))
        .plugin(Plugin::command("endless-program", &["./program"]))
        .plugin(Plugin::command("piped-script", &["script"]))
        .file("piped-module/plugin.json", &module("piped-module"))
        .file("piped-ui/plugin.json", &Plugin::hostile("piped-ui", &[]).manifest())
        .plugin(Plugin::hostile("piped-ui", &[]));
    let at = |path: &str| builder.folders().plugins().join(path);
    replace(&at("piped/plugin.json"), pipe);
    replace(&at("endless/plugin.json"), |path| symlink("/dev/zero", path).unwrap());
    replace(&at("piped-endless/plugin.json"), |path| {
        pipe(&path.with_extension("pipe"));
        symlink("plugin.pipe", path).unwrap();
    });
    replace(&at("socketed/plugin.json"), |path| drop(UnixListener::bind(path).unwrap()));
    replace(&at("piped-program/program"), pipe);
    replace(&at("endless-program/program"), |path| symlink("/dev/zero", path).unwrap());
    replace(&at("piped-script/.venv/bin/script"), pipe);
    replace(&at("piped-module/background/index.js"), pipe);
    replace(&at("piped-ui/ui/index.js"), pipe);
    let supervisor = builder.start();

    let plugin = |id: &str| supervisor.plugin(id);
    says(&plugin("piped"), "invalid", "piped/plugin.json cannot be read: it is a named pipe");
    says(&plugin("endless"), "invalid", "endless/plugin.json cannot be read: it is a device");
    says(&plugin("piped-endless"), "invalid", "it is a named pipe, and a plain file is needed");
    says(&plugin("socketed"), "invalid", "it is a socket or a device");
    says(
        &plugin("piped-program"),
        "errored",
        "program may not be run: it is a named pipe, a socket or a device",
    );
    says(
        &plugin("endless-program"),
        "errored",
        "program may not be run: it is a named pipe, a socket or a device",
    );
    says(&plugin("piped-script"), "errored", "bin/script cannot be executed");
    says(&plugin("piped-module"), "invalid", "nothing to run");
    assert_eq!(plugin("piped-ui")["state"], "running");
    assert_eq!(supervisor.get("/_outboard/plugins/piped-ui/ui/index.js").status, 404);

    // Nothing of it holds up what comes later.
    supervisor.install(&Plugin::hostile("late", &[]));
    supervisor.wait_for_state("late", "running");
    let pipes = supervisor.folders().plugins().join("late/plugin.json");
    replace(&pipes, pipe);
    assert!(supervisor.ask("rescan", json!({}))["invalid"]["late"].is_string());
    assert_eq!(plugin("late")["state"], "running", "it goes on with what was read before");
    let said = supervisor.cli(&["check", pipes.parent().unwrap().to_str().unwrap()]);
    assert!(said.code != 0 && format!("{said:?}").contains("it is a named pipe"), "{said:?}");
    supervisor.verify();
}

/// A mount that never answers, as of a server that is gone.
struct DeadMount {
    place: PathBuf,
    _device: std::fs::File,
}

impl DeadMount {
    /// `None`, and a line that says so, where this user may not mount.
    fn on(place: &Path) -> Option<Self> {
        let not_run = |why: &dyn std::fmt::Display| {
            let _ =
                writeln!(std::io::stderr(), "NOT RUN: no file system that hangs can be mounted here: {why}");
        };
        let device = std::fs::OpenOptions::new().read(true).write(true).open("/dev/fuse");
        let device = device.inspect_err(|error| not_run(error)).ok()?;
        let user = nix::unistd::geteuid();
        let options = format!("fd={},rootmode=40000,user_id={user},group_id={user}", device.as_raw_fd());
        std::fs::create_dir_all(place).unwrap();
        mount(Some("dead"), place, Some("fuse.dead"), MsFlags::empty(), Some(options.as_str()))
            .inspect_err(|error| not_run(error))
            .ok()?;
        Some(Self { place: place.to_owned(), _device: device })
    }
}

impl Drop for DeadMount {
    fn drop(&mut self) {
        let _ = umount2(&self.place, MntFlags::MNT_DETACH);
    }
}

#[test]
fn a_folder_that_does_not_answer_costs_its_plugin_alone_and_stopping_does_not_wait_for_it() {
    let builder = Supervisor::builder().plugin(Plugin::hostile("gone", &[]));
    let folder = builder.folders().plugins().join("gone");
    let hidden = builder.folders().root().join("gone");
    std::fs::rename(&folder, &hidden).unwrap();
    let Some(dead) = DeadMount::on(&folder) else { return };
    let mut supervisor = builder.start();
    supervisor.wait_for_state(NEIGHBOUR, "running");
    let gone = supervisor.wait_for("gone", "a sentence", |plugin| {
        plugin["cause"].as_str().is_some_and(|cause| cause.contains("does not answer"))
    });
    says(&gone, "invalid", "look at the disk or the mount");

    // Neither a change, nor an order, nor a start of another is held up.
    supervisor.install(&Plugin::hostile("late", &[]));
    supervisor.wait_for_state("late", "running");
    for _ in 0..3 {
        assert!(supervisor.ask("rescan", json!({}))["invalid"]["gone"].is_string());
    }
    assert_eq!(supervisor.cli(&["restart", "late"]).code, 0);
    supervisor.stop();

    // Back again, it is found without anybody's doing.
    let supervisor = supervisor.start_again();
    drop(dead);
    supervisor.wait_for("gone", "an answer", |plugin| {
        !plugin["cause"].as_str().is_some_and(|cause| cause.contains("answer"))
    });
    std::fs::remove_dir(&folder).unwrap();
    std::fs::rename(&hidden, &folder).unwrap();
    supervisor.wait_for_state("gone", "running");
    supervisor.verify();
}

/// What the command line says about a folder, with nothing of this user's own around it, and its exit code.
fn said(home: PathBuf, words: &[&str], uid: Option<u32>) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(binary("outboard"));
    command.env_clear().env("HOME", home).args(words);
    if let Some(uid) = uid {
        command.uid(uid).gid(uid);
    }
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn check_conform_and_doctor_give_up_a_folder_that_does_not_answer() {
    let builder = Supervisor::builder();
    let gone = builder.folders().plugins().join("gone");
    let Some(dead) = DeadMount::on(&gone) else { return };
    for verb in ["check", "conform"] {
        let (code, told) = said(builder.folders().home(), &[verb, gone.to_str().unwrap()], None);
        assert_eq!(code, Some(1), "{verb}: {told}");
        assert!(
            told.contains("does not answer") && told.contains("look at the disk or the mount"),
            "{verb}: {told}"
        );
    }
    let plugins = gone.with_file_name("all-gone");
    let Some(all) = DeadMount::on(&plugins) else { return };
    let (code, told) =
        said(builder.folders().home(), &["doctor", "--plugins", plugins.to_str().unwrap()], None);
    assert!(code.is_some_and(|code| code != 0) && told.contains("does not answer"), "doctor: {told}");
    drop((dead, all));
}

#[test]
fn a_running_plugin_goes_on_when_its_folder_stops_answering() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("covered", &[])).start();
    let folder = supervisor.folders().plugins().join("covered");
    let Some(dead) = DeadMount::on(&folder) else { return };
    let report = supervisor.ask("rescan", json!({}));
    assert_eq!(report["removed"], json!([]), "{report}");
    let covered = supervisor.plugin("covered");
    assert_eq!(covered["state"], "running");
    assert!(format!("{}", covered["warnings"]).contains("does not answer"), "{covered}");
    assert_eq!(supervisor.get("/api/covered/").status, 200);
    let page = supervisor.get("/_outboard/plugins/covered/ui/index.js");
    assert_eq!((page.status, &page.json()["type"]), (504, &"urn:outboard:problem:plugin-slow".into()));
    // One that has to be started from there waits for it, and nobody else does.
    supervisor.fault("covered", json!(["exit", 3]));
    supervisor.wait_for("covered", "a failed start", |plugin| plugin["state"] != "running");
    assert_eq!(supervisor.get(&format!("/api/{NEIGHBOUR}/")).status, 200);
    drop(dead);
    supervisor.wait_for_state("covered", "running");
    supervisor.verify();
}

#[test]
fn the_thread_that_runs_everything_makes_no_call_of_the_file_system_once_it_has_started() {
    let with_ui = |id: &str| Plugin::hostile(id, &[]).with(json!({ "homepage": "https://example.org" }));
    let supervisor = Supervisor::builder()
        .plugin(with_ui("busy"))
        .file("busy/ui/index.js", "export default () => null;")
        .plugin(Plugin::command("missing", &["./not-there"]))
        .start();
    let tripwire = match Tripwire::on(supervisor.pid()) {
        Ok(tripwire) => tripwire,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "NOT RUN: {why}");
            return;
        }
    };
    // Starts, ends and restarts, with everything that belongs to a generation.
    supervisor.install(&Plugin::hostile("late", &[]));
    supervisor.wait_for_state("late", "running");
    supervisor.install(&Plugin::hostile("late", &[]).with(json!({ "http": { "listen": "path" } })));
    supervisor.wait_for_generation_after("late", &json!(1));
    let before = supervisor.plugin("busy");
    supervisor.fault("busy", json!(["exit", 3]));
    supervisor.wait_for_generation_after("busy", &before["generation"]);
    supervisor.ask("restart", json!({ "id": "busy" }));
    supervisor.ask("stop", json!({ "id": "late" }));
    supervisor.refused("start", json!({ "id": "nobody" }));
    supervisor.ask("start", json!({ "id": "missing" }));
    // What is kept, logged, shown and served.
    supervisor.plugin_asks("busy", "config.set", json!({ "key": "k", "value": 1 }));
    supervisor.plugin_asks("busy", "database.open", json!({ "file": "data.db" }));
    supervisor.plugin_asks("busy", "auth.getToken", json!({}));
    assert_eq!(supervisor.cli(&["config", "set", "busy", "l", "2"]).code, 0);
    supervisor.ask("auth.set", json!({ "token": "another" }));
    supervisor.why("busy");
    supervisor.logs("busy");
    for path in [
        "/",
        "/_outboard/health",
        "/api/busy/",
        "/_outboard/shell/busy",
        "/_outboard/plugins/busy/ui/index.js",
    ] {
        supervisor.get(path);
    }
    supervisor.ask("rescan", json!({}));
    std::fs::remove_dir_all(supervisor.folders().plugins().join("late")).unwrap();
    supervisor.wait_for("late", "nothing", Value::is_null);
    let found = tripwire.end();
    assert!(found.is_empty(), "{found:#?}");
    supervisor.verify();
}

#[test]
fn a_secret_that_is_no_file_is_refused_with_a_sentence_or_ended_by_a_signal_and_never_hangs() {
    let piped = "it is a named pipe, and a plain file is needed";
    for (name, words) in
        [("sign-in.json", piped), ("credential", piped), ("lock", piped), ("state.db", "state.db")]
    {
        let builder = Supervisor::builder();
        std::fs::write(builder.folders().settings(), "").unwrap();
        replace(&builder.folders().data().join(name), pipe);
        let mut child = run_command(builder.folders())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let ended = within(GUARD, || child.try_wait().unwrap());
        if ended.is_none() {
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
        }
        let said = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&said.stderr);
        assert!(ended.is_some_and(|status| !status.success()), "{name}: {told}");
        assert!(told.contains(name) && told.contains(words), "{name}: {told}");
    }
}

#[test]
fn a_copy_of_a_running_plugins_folder_is_the_one_that_is_refused() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("greeter", &[])).start();
    let before = supervisor.plugin("greeter");
    let plugins = supervisor.folders().plugins();
    let copy = |name: &str| {
        let folder = plugins.join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::copy(plugins.join("greeter/plugin.json"), folder.join("plugin.json")).unwrap();
    };
    // Copies that people and editors keep are not plugins at all; others are told apart, also by a name that sorts first.
    for name in ["greeter.bak", "greeter~", ".greeter.swp", "a-greeter", "greeter-2"] {
        copy(name);
    }
    for name in ["a-greeter", "greeter-2"] {
        let newcomer = supervisor.wait_for_state(name, "invalid");
        says(&newcomer, "invalid", "the id greeter is that of the plugin in ");
        says(&newcomer, "invalid", "plugins/greeter, which runs");
    }
    assert_eq!(supervisor.plugins().len(), 4, "{:?}", supervisor.plugins());
    let after = supervisor.plugin("greeter");
    assert_eq!((&after["pid"], &after["generation"]), (&before["pid"], &before["generation"]), "{after}");
    assert_eq!(supervisor.get("/api/greeter/").status, 200);

    // Moved away, it is the other one's turn, as long as it is but one.
    std::fs::remove_dir_all(plugins.join("a-greeter")).unwrap();
    std::fs::rename(plugins.join("greeter/hostile-plugin"), plugins.join("greeter-2/hostile-plugin"))
        .unwrap();
    std::fs::remove_dir_all(plugins.join("greeter")).unwrap();
    supervisor.wait_for("greeter", "the other folder", |plugin| {
        plugin["state"] == "running"
            && plugin["installDir"].as_str().is_some_and(|dir| dir.ends_with("greeter-2"))
    });
    supervisor.verify();
}

#[test]
fn a_folder_that_is_copied_slowly_is_tried_again_when_it_is_whole() {
    let supervisor = Supervisor::builder().start();
    let folder = supervisor.folders().plugins().join("slow");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    // Its program needs a file that comes later, in a folder below.
    write(
        "run.sh",
        "#!/bin/sh\ncd \"$(dirname \"$0\")\" && test -e lib/part || exit 127\nexec ../neighbour/hostile-plugin\n",
    );
    std::fs::set_permissions(folder.join("run.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    write("lib/other", "");
    write("plugin.json", &Plugin::command("slow", &["./run.sh"]).manifest());
    let errored = supervisor.wait_for_state("slow", "errored");
    assert_eq!(errored["causeCode"], "cannot-spawn", "{errored}");
    write("lib/part", "");
    supervisor.wait_for_state("slow", "running");
    supervisor.verify();
}

#[test]
fn a_module_that_comes_last_into_a_folder_that_was_there_makes_a_plugin_of_it() {
    let supervisor = Supervisor::builder().start();
    let plugins = supervisor.folders().plugins();
    // All but the module is there at once: a name with a dot is nobody's until it is whole.
    let (unfinished, folder) = (plugins.join(".late"), plugins.join("late"));
    std::fs::create_dir_all(unfinished.join("dist/deep")).unwrap();
    let manifest = r#"{ "id": "late", "name": "Late", "version": "1.0.0", "background": { "entryModule": "dist/deep/main.js" } }"#;
    std::fs::write(unfinished.join("plugin.json"), manifest).unwrap();
    std::fs::rename(unfinished, &folder).unwrap();
    says(&supervisor.wait_for_state("late", "invalid"), "invalid", "dist/deep/main.js cannot be opened");
    std::fs::write(folder.join("dist/deep/main.js"), "export default { onStart() {}, onStop() {} };")
        .unwrap();
    supervisor.wait_for_state("late", "running");
    supervisor.verify();
}

#[test]
fn a_plugin_that_changes_its_own_folder_and_fails_comes_to_rest() {
    let supervisor = Supervisor::builder()
        .file("restless/run.sh", "#!/bin/sh\ndate +%N >> \"$(dirname \"$0\")/written\"\nexit 127\n")
        .plugin(Plugin::command("calm", &["./hostile-plugin"]));
    let run = supervisor.folders().plugins().join("restless/run.sh");
    std::fs::set_permissions(&run, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let supervisor = supervisor
        .file("restless/plugin.json", &Plugin::command("restless", &["./run.sh"]).manifest())
        .start();
    let tried = |times: u64| {
        supervisor.wait_for("restless", "another try", |plugin| {
            plugin["state"] == "errored" && plugin["generation"].as_u64().unwrap() >= times
        })
    };
    // Each try is a change, and each waits longer for the next.
    tried(3);
    let generation = supervisor.plugin("restless")["generation"].as_u64().unwrap();
    assert!(generation < 10, "{generation} starts in so short a time are a storm");
    assert_eq!(supervisor.get("/api/calm/").status, 200);
    eventually("its folder to be left alone", || {
        (supervisor.plugin("restless")["state"] == "errored").then_some(())
    });
    supervisor.verify();
}

#[test]
fn code_that_others_may_change_is_told_of_and_is_never_run_as_root() {
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    let builder = Supervisor::builder()
        .plugin(Plugin::hostile("open-folder", &[]))
        .plugin(Plugin::hostile("open-manifest", &[]))
        .plugin(Plugin::command("open-program", &["./run.sh"]))
        .file("open-program/run.sh", "#!/bin/sh\n");
    let at = |path: &str| builder.folders().plugins().join(path);
    mode(&at("open-folder"), 0o777);
    mode(&at("open-manifest/plugin.json"), 0o666);
    mode(&at("open-program/run.sh"), 0o775);
    let root = nix::unistd::geteuid().is_root();
    mode(builder.folders().root(), 0o755);
    for (name, open) in [
        ("open-folder", "plugins/open-folder can be changed by every user of this machine (mode 0777)"),
        (
            "open-manifest",
            "open-manifest/plugin.json can be changed by every user of this machine (mode 0666)",
        ),
        ("open-program", "open-program/run.sh can be changed by the users of its group (mode 0775)"),
    ] {
        let folder = at(name);
        let (code, told) =
            said(builder.folders().home(), &["check", folder.to_str().unwrap()], root.then_some(NOBODY));
        if root || name != "open-program" {
            assert!(told.contains(open) && told.contains("`chmod go-w` it"), "{told}");
        }
        assert!(!told.contains("as root"), "{told}");
        if root {
            let (refused, told) = said(builder.folders().home(), &["check", folder.to_str().unwrap()], None);
            assert!(refused != Some(0) && refused != code, "{refused:?} {code:?} {told}");
            assert!(told.contains("it would run as root, and ") && told.contains(open), "{told}");
        }
    }
    let plugins = builder.folders().plugins();
    let supervisor = builder.start();
    for name in ["open-folder", "open-manifest", "open-program"] {
        let plugin = supervisor.plugin(name);
        assert_eq!(plugin["state"] == "invalid", root, "{plugin}");
        mode(&plugins.join(name), 0o755);
    }
    mode(&plugins.join("open-manifest/plugin.json"), 0o644);
    supervisor.wait_for_state("open-folder", "running");
    supervisor.wait_for_state("open-manifest", "running");
    // Whoever may write the folder of all of them may exchange each of them.
    mode(&plugins, 0o777);
    let told = supervisor.cli(&["doctor", "--plugins", plugins.to_str().unwrap()]);
    assert!(
        told.out.contains("plugins can be changed by every user of this machine (mode 0777)"),
        "{told:?}"
    );
    mode(&plugins, 0o755);
    supervisor.ask("rescan", json!({}));
    supervisor.verify();
}
