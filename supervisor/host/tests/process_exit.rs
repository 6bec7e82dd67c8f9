//! Starting a process and learning how it ended.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod process_harness;

use outboard_host::process::Exit;
use process_harness::{GUARD, Member, guarded, spawn};

#[tokio::test]
async fn an_exit_code_is_seen_and_the_zombie_goes_with_the_proof() {
    let child = spawn(&["exit", "7"]).await;
    let member = Member::of(child.pid);
    assert_eq!(guarded(child.exit.exited()).await, Exit::Code(7));
    assert!(!member.lives() && !member.is_gone(), "its pid is kept until the proof");
    child.containment.prove_empty(GUARD).await.unwrap();
    assert!(member.is_gone());
    assert_eq!(child.exit.now(), Some(Exit::Code(7)), "the report outlives the process");
}

#[tokio::test]
async fn a_signal_is_seen_with_its_name() {
    let child = spawn(&["raise", "11"]).await;
    let report = guarded(child.exit.exited()).await;
    assert!(matches!(report, Exit::Signal { number: 11, name: "SIGSEGV", .. }), "{report}");
    child.containment.prove_empty(GUARD).await.unwrap();
}
