//! How many durable sets a second: one caller, 64 callers, and the limit that a bare overwrite and sync of a page sets.
//! Rounds alternate, so that a noisy machine is noisy for all of them. `cargo run -p outboard-services --example grouped_commits`
#![allow(clippy::unwrap_used)] // a measurement whose scene cannot be set is over

use std::fs::OpenOptions;
use std::io::{Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use outboard_protocol::PluginId;
use outboard_protocol::id::ConfigKey;
use outboard_services::{ServiceOptions, Services};
use serde_json::json;

const ROUND: Duration = Duration::from_millis(400);
const ROUNDS: usize = 15;

fn main() {
    let dir = tempfile::tempdir_in(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned())).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let services = Services::open(ServiceOptions::new(dir.path().join("data"))).unwrap();
    let (mut bare, mut one, mut many) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(overwrite_and_sync(&dir.path().join("bare")));
        one.push(runtime.block_on(sets(&services, 1)));
        many.push(runtime.block_on(sets(&services, 64)));
    }
    runtime.block_on(services.close());
    let mut out = std::io::stdout().lock();
    for (name, rates) in
        [("overwrite + fdatasync", &mut bare), ("one caller", &mut one), ("64 callers", &mut many)]
    {
        rates.sort_by(f64::total_cmp);
        let (low, median, high) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
        writeln!(out, "{name:<22} {median:>9.0} a second  ({low:.0} to {high:.0})").unwrap();
    }
    let median = |rates: &[f64]| rates[ROUNDS / 2];
    writeln!(out, "one caller / limit     {:>9.2}", median(&one) / median(&bare)).unwrap();
    writeln!(out, "64 callers / one       {:>9.1}", median(&many) / median(&one)).unwrap();
}

fn overwrite_and_sync(path: &Path) -> f64 {
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path).unwrap();
    file.write_all(&[0; 4096]).and_then(|()| file.sync_all()).unwrap();
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < ROUND {
        file.rewind().unwrap();
        file.write_all(&[u8::try_from(count % 251).unwrap(); 4096]).and_then(|()| file.sync_data()).unwrap();
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// Each caller sets a value that changes, and waits for it, again and again.
async fn sets(services: &Services, callers: u32) -> f64 {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let services = services.clone();
        tasks.spawn(async move {
            let id = PluginId::new(&format!("p{}", caller % 8)).unwrap();
            let key = ConfigKey::new(&format!("k{caller}")).unwrap();
            let mut count = 0_u32;
            while start.elapsed() < ROUND {
                let value =
                    json!({ "caller": caller, "count": count, "at": start.elapsed().as_nanos().to_string() });
                services.config.set(&id, &key, &value).await.unwrap();
                count += 1;
            }
            count
        });
    }
    let mut count = 0;
    while let Some(done) = tasks.join_next().await {
        count += done.unwrap();
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}
