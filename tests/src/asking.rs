//! A loop of requests while something happens to the plugin that answers them, or to its neighbour.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::http;
use crate::patience::eventually;
use crate::supervisor::Supervisor;

/// GETs one after the other until told to stop; gives how many there were, and those that failed.
fn keep_asking(address: &str, path: &str, stop: &AtomicBool, asked: &AtomicUsize) -> Vec<String> {
    let mut failures = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match http::exchange(address, &http::get_request(address, path)) {
            Ok(answer) if answer.status == 200 && answer.whole => {}
            other => failures.push(format!("{other:?}")),
        }
        asked.fetch_add(1, Ordering::Relaxed);
    }
    failures
}

/// Does something while a loop of GETs runs, and gives the GETs that failed. `act` is told how many there have been; some come
/// before it begins and after it has ended.
pub fn while_asking(supervisor: &Supervisor, path: &str, act: impl FnOnce(&AtomicUsize)) -> Vec<String> {
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| keep_asking(supervisor.address(), path, &stop, &asked));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually("first answers", || (asked.load(Ordering::Relaxed) > 3).then_some(()));
            act(&asked);
            let before = asked.load(Ordering::Relaxed);
            eventually("last answers", || (asked.load(Ordering::Relaxed) > before + 3).then_some(()));
        }));
        stop.store(true, Ordering::Relaxed);
        let failures = asking.join().unwrap();
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        failures
    })
}
