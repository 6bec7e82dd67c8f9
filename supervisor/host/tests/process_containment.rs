//! A generation's end is the end of all that it started, and of nothing else.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod process_harness;

use outboard_host::process::{ExitReport, Signal, facts, orphans};
use process_harness::{GUARD, announced, gone, guarded, spawn, spawner};

fn lives(pid: i32) -> bool {
    facts::stat(pid).is_some_and(|stat| !stat.is_dead())
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipes_delays_no_report() {
    let mut child = spawn(&["family", "daemon", "leave"]).await;
    assert_eq!(guarded(child.exit.exited()).await, ExitReport::Code(0));
    let members = announced(&mut child.stderr, &["daemon"]).await;
    assert!(lives(members["daemon"]), "it still holds the pipe");
    child.containment.prove_empty(GUARD).await.unwrap();
    assert_eq!(facts::stat(members["daemon"]), None);
}

#[tokio::test]
async fn everything_is_emptied_whatever_it_has_done_to_get_away() {
    let names = ["leader", "plain", "stubborn", "daemon", "escapee"];
    let mut child = spawn(&["family", "plain", "stubborn", "daemon", "escapee"]).await;
    let members = announced(&mut child.stderr, &names).await;
    // Not the escaped one: the orphan watch of a neighbouring test may have ended it already.
    assert!(["leader", "plain", "stubborn", "daemon"].iter().all(|name| lives(members[*name])));
    assert_eq!(members["leader"], child.pid);
    child.containment.prove_empty(GUARD).await.unwrap();
    for (name, pid) in members {
        assert_eq!(facts::stat(pid), None, "{name}");
    }
    assert!(matches!(child.exit.now(), Some(ExitReport::Signal { name: "SIGKILL", .. })));
}

#[tokio::test]
async fn what_never_stays_the_same_process_is_caught() {
    let mut child = spawn(&["family", "runner", "phantom"]).await;
    announced(&mut child.stderr, &["runner", "phantom", "leader"]).await;
    child.containment.prove_empty(GUARD).await.unwrap();
    // The last of them held the other end.
    process_harness::read_all(&mut child.stderr).await;
}

#[tokio::test]
async fn an_orderly_signal_reaches_the_group_and_not_those_outside() {
    let mut child = spawn(&["family", "plain", "stubborn", "daemon"]).await;
    let members = announced(&mut child.stderr, &["leader", "plain", "stubborn", "daemon"]).await;
    child.containment.signal_group(Signal::TERM).unwrap();
    let report = guarded(child.exit.exited()).await;
    assert!(matches!(report, ExitReport::Signal { name: "SIGTERM", .. }), "{report}");
    gone(members["plain"]).await;
    assert!(lives(members["stubborn"]) && lives(members["daemon"]));
    assert!(child.containment.kill_all().await >= 2);
    gone(members["stubborn"]).await;
    gone(members["daemon"]).await;
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
    assert!(ended.values().all(|pid| !lives(*pid)));
    assert!(spared.values().all(|pid| lives(*pid)));
    other.containment.prove_empty(GUARD).await.unwrap();
}

#[tokio::test]
async fn a_process_that_has_left_everything_is_ended_while_its_plugin_runs() {
    let watch = tokio::spawn(orphans::tend(spawner().containments()));
    let mut child = spawn(&["family", "daemon", "escapee"]).await;
    let members = announced(&mut child.stderr, &["leader", "daemon", "escapee"]).await;
    gone(members["escapee"]).await;
    assert!(lives(members["leader"]) && lives(members["daemon"]), "only what belongs to nobody is ended");
    child.containment.prove_empty(GUARD).await.unwrap();
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
    let orphan = rustix::process::Pid::from_raw(members["daemon"]).unwrap();
    rustix::process::kill_process(orphan, Signal::KILL).unwrap();
    let reaped = async {
        while facts::stat(members["daemon"]).is_some() {
            tokio::task::yield_now().await;
        }
    };
    guarded(reaped).await;
    for (code, child) in (0..).zip(&short) {
        assert_eq!(guarded(child.exit.exited()).await, ExitReport::Code(code));
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
    let emptied = async {
        while members.values().any(|pid| facts::stat(*pid).is_some()) {
            tokio::task::yield_now().await;
        }
    };
    guarded(emptied).await;
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
async fn an_error_names_what_would_not_end() {
    use outboard_host::process::{Label, Remnant, Remnants};
    let living = vec![Remnant { pid: 7, start_time: 1, command: "stuck".into() }];
    let error = Remnants { label: Label { plugin: "p".into(), generation: 3 }, living };
    assert_eq!(error.to_string(), "1 process of p/3 would not end: 7 (stuck)");
}
