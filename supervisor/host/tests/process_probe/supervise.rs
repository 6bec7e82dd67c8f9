//! A supervisor with one plugin, for the tests of keeper and ledger: it says what it starts and why it ends.
//!
//! Its plan: `[ledger <folder>] [processes <limit>] <program of the probe…>`, or `exit <code>`, or `panic`.

use std::process::ExitCode;
use std::time::Duration;

use outboard_host::process::keeper::{KeeperLink, adopt_link};
use outboard_host::process::{Label, Ledger, SpawnSpec, Spawned, Spawner, SpawnerOptions, orphans};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::signal::unix::{SignalKind, signal};

use super::family::say;

/// Longer than emptying ever takes here.
const LIMIT: Duration = Duration::from_secs(10);

pub fn run(plan: &[&str]) -> ExitCode {
    let link = adopt_link();
    say("supervisor");
    match plan {
        ["exit", code] => return ExitCode::from(code.parse::<u8>().unwrap()),
        ["panic"] => panic!("as planned"),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(supervise(link, plan))
}

async fn supervise(link: Option<KeeperLink>, plan: &[&str]) -> ExitCode {
    let (ledger, program) = match plan {
        ["ledger", folder, program @ ..] => (Some(Ledger::open(*folder).unwrap()), program),
        program => (None, program),
    };
    let spawner = Spawner::start(SpawnerOptions { ledger, ..Default::default() }).unwrap();
    let watch = tokio::spawn(orphans::tend(spawner.containments()));
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let mut hangup = signal(SignalKind::hangup()).unwrap();
    let (processes, program) = match program {
        ["processes", limit, program @ ..] => (Some(limit.parse().unwrap()), program),
        program => (None, program),
    };
    let mut plugin = start_plugin(&spawner, program, processes).await;
    let keeper_lost = async {
        match link {
            Some(link) => link.lost().await.unwrap(),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = relay(&mut plugin) => {}
        () = keeper_lost => say("keeper-lost"),
        _ = terminate.recv() => say("terminated"),
        _ = hangup.recv() => say("hangup"),
    }
    plugin.containment.prove_empty(LIMIT).await.unwrap();
    say("empty");
    watch.abort();
    ExitCode::SUCCESS
}

async fn start_plugin(spawner: &Spawner, program: &[&str], processes: Option<u64>) -> Spawned {
    let label = Label { plugin: "kept".into(), generation: 1 };
    let mut spec = SpawnSpec::new(label, std::env::current_exe().unwrap(), "/");
    spec.limits.processes = processes;
    spec.args = program.iter().map(Into::into).collect();
    spawner.spawn(spec).await.unwrap()
}

/// Passes on what plugin and family say. Does not end: a family that stays holds the pipe.
async fn relay(plugin: &mut Spawned) {
    let mut lines = BufReader::new(&mut plugin.stderr).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes());
    }
    std::future::pending::<()>().await;
}
