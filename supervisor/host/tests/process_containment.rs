//! A generation's end is the end of all that it started, and of nothing else.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod process_harness;

use outboard_host::process::{Exit, Signal, SpawnError, facts, orphans};
use process_harness::{GUARD, Member, announced, guarded, spawn, spawner, workers};

#[tokio::test]
async fn a_grandchild_that_holds_the_pipes_delays_no_report() {
    let mut child = spawn(&["family", "daemon", "leave"]).await;
    assert_eq!(guarded(child.exit.exited()).await, Exit::Code(0));
    let members = announced(&mut child.stderr, &["daemon"]).await;
    assert!(members["daemon"].lives(), "it still holds the pipe");
    child.containment.prove_empty(GUARD).await.unwrap();
    assert!(members["daemon"].is_gone());
}

#[tokio::test]
async fn everything_is_emptied_whatever_it_has_done_to_get_away() {
    let names = ["leader", "plain", "stubborn", "daemon", "escapee"];
    let mut child = spawn(&["family", "plain", "stubborn", "daemon", "escapee"]).await;
    let members = announced(&mut child.stderr, &names).await;
    // Not the escaped one: the orphan watch of a neighbouring test may have ended it already.
    assert!(["leader", "plain", "stubborn", "daemon"].iter().all(|name| members[*name].lives()));
    assert_eq!(members["leader"].pid, child.pid);
    child.containment.prove_empty(GUARD).await.unwrap();
    for (name, member) in members {
        assert!(member.is_gone(), "{name}");
    }
    assert!(matches!(child.exit.now(), Some(Exit::Signal { name: "SIGKILL", .. })));
}

#[tokio::test]
async fn what_never_stays_the_same_process_is_caught() {
    // Several at once, so that whoever looks has to share the processor and comes late.
    let chased = async || {
        let mut child = spawn(&["family", "runner", "phantom"]).await;
        announced(&mut child.stderr, &["runner", "phantom", "leader"]).await;
        child.containment.prove_empty(GUARD).await.unwrap();
        // The last of them held the other end.
        process_harness::read_all(&mut child.stderr).await;
    };
    let rounds = if std::env::var_os("OUTBOARD_TRIALS").is_some() { 10 } else { 3 };
    for _ in 0..rounds {
        tokio::join!(chased(), chased(), chased(), chased());
    }
}

#[tokio::test]
async fn an_orderly_signal_reaches_the_group_and_not_those_outside() {
    let mut child = spawn(&["family", "plain", "stubborn", "daemon"]).await;
    let members = announced(&mut child.stderr, &["leader", "plain", "stubborn", "daemon"]).await;
    child.containment.signal_group(Signal::TERM).unwrap();
    let report = guarded(child.exit.exited()).await;
    assert!(matches!(report, Exit::Signal { name: "SIGTERM", .. }), "{report}");
    members["plain"].ends().await;
    assert!(members["stubborn"].lives() && members["daemon"].lives());
    child.containment.kill_all().await;
    members["stubborn"].ends().await;
    members["daemon"].ends().await;
    child.containment.prove_empty(GUARD).await.unwrap();
    child.containment.prove_empty(GUARD).await.unwrap();
    child.containment.signal_group(Signal::TERM).unwrap();
}

#[tokio::test]
async fn emptying_one_leaves_the_others_alone() {
    let mut one = spawn(&["family", "plain", "daemon"]).await;
    let mut other = spawn(&["family", "plain", "daemon"]).await;
    let ended = announced(&mut one.stderr, &["leader", "plain", "daemon"]).await;
    let spared = announced(&mut other.stderr, &["leader", "plain", "daemon"]).await;
    one.containment.prove_empty(GUARD).await.unwrap();
    assert!(ended.values().all(|member| !member.lives()));
    assert!(spared.values().all(Member::lives));
    other.containment.prove_empty(GUARD).await.unwrap();
}

#[tokio::test]
async fn a_process_that_has_left_everything_is_ended_while_its_plugin_runs() {
    let watch = tokio::spawn(orphans::tend(spawner().containments()));
    let mut child = spawn(&["family", "daemon", "escapee"]).await;
    let members = announced(&mut child.stderr, &["leader", "daemon", "escapee"]).await;
    members["escapee"].ends().await;
    assert!(members["leader"].lives() && members["daemon"].lives(), "only what belongs to nobody is ended");
    child.containment.prove_empty(GUARD).await.unwrap();
    watch.abort();
}

#[tokio::test]
async fn what_keeps_its_environment_goes_on_while_those_beside_it_end_and_become_other_programs() {
    const RELAYS: usize = 12;
    let families = if std::env::var_os("OUTBOARD_TRIALS").is_some() { 200 } else { 20 };
    let watch = tokio::spawn(orphans::tend(spawner().containments()));
    let one = async || {
        let mut child = spawn(&[&["family"][..], &["relay"; RELAYS]].concat()).await;
        let workers = workers(&mut child.stderr, RELAYS).await;
        assert!(workers.iter().all(Member::lives), "{workers:?}");
        child.containment.prove_empty(GUARD).await.unwrap();
        assert!(!workers.iter().any(Member::lives), "{workers:?}");
    };
    for _ in 0..families / 4 {
        tokio::join!(one(), one(), one(), one());
    }
    watch.abort();
}

#[tokio::test]
async fn adopted_orphans_are_reaped_and_the_status_of_leaders_is_not_taken() {
    let watch = tokio::spawn(orphans::tend(spawner().containments()));
    let mut child = spawn(&["family", "daemon"]).await;
    let members = announced(&mut child.stderr, &["leader", "daemon"]).await;
    let mut short = Vec::new();
    for code in 0..20 {
        short.push(spawn(&["exit", &code.to_string()]).await);
    }
    members["daemon"].signal(Signal::KILL);
    members["daemon"].is_reaped().await;
    for (code, child) in (0..).zip(&short) {
        assert_eq!(guarded(child.exit.exited()).await, Exit::Code(code));
        child.containment.prove_empty(GUARD).await.unwrap();
    }
    child.containment.prove_empty(GUARD).await.unwrap();
    watch.abort();
}

#[tokio::test]
async fn a_dropped_containment_is_emptied_by_the_orphan_watch() {
    let watch = tokio::spawn(orphans::tend(spawner().containments()));
    let mut child = spawn(&["family", "plain", "daemon"]).await;
    let members = announced(&mut child.stderr, &["leader", "plain", "daemon"]).await;
    drop(child);
    for member in members.values() {
        member.is_reaped().await;
    }
    watch.abort();
}

#[tokio::test]
async fn a_spawn_that_is_given_up_leaves_nothing() {
    let watch = tokio::spawn(orphans::tend(spawner().containments()));
    let spec = process_harness::spec(&["hold"]);
    let label = spec.label.clone();
    let spawner = spawner();
    let mut spawning = Box::pin(spawner.spawn(spec));
    // Poll until the process is there, then drop the future at whatever point it is.
    let begun = async {
        while !spawner.containments().living().contains(&label) {
            tokio::select! {
                biased;
                _ = &mut spawning => return,
                () = tokio::task::yield_now() => {}
            }
        }
    };
    guarded(begun).await;
    drop(spawning);
    let emptied = async {
        while spawner.containments().living().contains(&label) {
            tokio::task::yield_now().await;
        }
    };
    guarded(emptied).await;
    watch.abort();
}

#[tokio::test]
async fn a_plugin_has_one_generation_at_a_time() {
    let first = process_harness::spec(&["hold"]);
    let mut second = process_harness::spec(&["exit", "0"]);
    second.label = outboard_host::process::Label { generation: 2, ..first.label.clone() };
    let mut again = process_harness::spec(&["exit", "0"]);
    again.label = second.label.clone();
    let child = guarded(spawner().spawn(first)).await.unwrap();
    let error = guarded(spawner().spawn(second)).await.unwrap_err();
    assert!(matches!(error, SpawnError::Occupied { pid, .. } if pid == child.pid), "{error}");
    // Dropped, it is emptied before the next one starts, with or without an orphan watch.
    let first = Member::of(child.pid);
    drop(child);
    let next = guarded(spawner().spawn(again)).await.unwrap();
    assert!(first.is_gone());
    next.containment.prove_empty(GUARD).await.unwrap();
}

#[tokio::test]
async fn a_stopped_process_is_emptied() {
    let child = spawn(&["hold"]).await;
    let member = Member::of(child.pid);
    child.containment.signal_group(Signal::STOP).unwrap();
    let stopped = async {
        while facts::stat(child.pid).is_some_and(|stat| stat.state != 'T') {
            tokio::task::yield_now().await;
        }
    };
    guarded(stopped).await;
    assert_eq!(child.exit.now(), None, "stopped is not ended");
    child.containment.prove_empty(GUARD).await.unwrap();
    assert!(member.is_gone());
}

#[tokio::test]
async fn a_debugger_shows_and_what_it_holds_is_emptied_all_the_same() {
    let child = spawn(&["hold"]).await;
    assert_eq!(facts::tracer_pid(child.pid), None);
    let mut debugger = std::process::Command::new(process_harness::probe());
    let mut debugger = debugger.args(["trace", &child.pid.to_string()]).spawn().unwrap();
    let attached = async {
        while facts::tracer_pid(child.pid).is_none() {
            tokio::task::yield_now().await;
        }
    };
    guarded(attached).await;
    assert_eq!(facts::tracer_pid(child.pid), Some(debugger.id().cast_signed()));
    child.containment.prove_empty(GUARD).await.unwrap();
    debugger.wait().unwrap();
}

/// As in a container whose runtime begins a program in it and leaves it the session of outside, which has no number there: 0.
#[test]
fn an_end_is_proved_also_where_the_session_began_outside_the_pid_namespace() {
    let unshare = |inside: &[&std::ffi::OsStr]| {
        let mut unshare = std::process::Command::new("unshare");
        unshare.args([
            "--pid",
            "--fork",
            "--mount-proc",
            "--kill-child",
            "sh",
            "-c",
            r#""$@"; exit $?"#,
            "sh",
        ]);
        unshare.args(inside).output().unwrap()
    };
    let may = unshare(&["true".as_ref()]);
    if !may.status.success() {
        eprintln!("SKIPPED: no pid namespace can be made here: {}", String::from_utf8_lossy(&may.stderr));
        return;
    }
    let own = std::env::current_exe().unwrap();
    let shown = "a_debugger_shows_and_what_it_holds_is_emptied_all_the_same";
    let ran = unshare(&[own.as_ref(), "--exact".as_ref(), shown.as_ref()]);
    let told = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
async fn a_growing_crowd_is_emptied() {
    let mut child = spawn(&["member", "crowd", "5"]).await;
    announced(&mut child.stderr, &["crowd"]).await;
    child.containment.prove_empty(GUARD).await.unwrap();
    process_harness::read_all(&mut child.stderr).await;
}

#[tokio::test]
async fn an_error_names_what_would_not_end() {
    use outboard_host::process::{Label, Remnant, Remnants};
    let living = vec![Remnant { pid: 7, start_time: 1, command: "stuck".into() }];
    let error = Remnants { label: Label { plugin: "p".into(), generation: 3 }, living, unseen: None };
    assert_eq!(error.to_string(), "1 process of p/3 would not end: 7 (stuck)");
    let odd = Remnant { pid: 7, start_time: 1, command: "\u{1b}[2J\u{9b}5A\u{202e}".into() };
    assert_eq!(odd.to_string(), "7 (\\u{1b}[2J\\u{9b}5A\\u{202e})", "a terminal obeys nothing of it");
}
