//! Where there is no descriptor to look with, nothing is taken for gone.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod process_harness;

use std::time::Duration;

use process_harness::{GUARD, announced, spawn};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Long enough for several rounds.
const SHORT: Duration = Duration::from_millis(50);

/// Lets this process open nothing more; gives what it could before. The only test of this file, as the limit is the process's.
fn open_nothing() -> Rlimit {
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..before }).unwrap();
    before
}

#[tokio::test]
async fn what_nobody_could_look_at_is_neither_gone_nor_a_strangers() {
    let mut child = spawn(&["family", "stubborn", "daemon"]).await;
    let members = announced(&mut child.stderr, &["leader", "stubborn", "daemon"]).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();

    let before = open_nothing();
    assert_eq!(child.containment.listener_at(port).await.unwrap_err().raw_os_error(), Some(24));
    let refused = child.containment.prove_empty(SHORT).await.unwrap_err();
    assert!(!child.containment.is_empty());
    assert!(refused.to_string().starts_with("it is not known whether a process of "), "{refused}");
    setrlimit(Resource::Nofile, before).unwrap();

    assert!(members["daemon"].lives(), "what has left the group could not be found, and was not killed");
    child.containment.prove_empty(GUARD).await.unwrap();
    assert!(members.values().all(process_harness::Member::is_gone));
}
