//! What a spawn costs over a bare one of the same program, beside that many idle plugins:
//! `process-probe measure <rounds> <idle>`, run by hand on a release build. It prints and asserts nothing.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use outboard_host::process::{Label, SpawnSpec, Spawned, Spawner, SpawnerOptions};

const LIMIT: Duration = Duration::from_secs(10);
const PROGRAM: &str = "/bin/true";

pub fn run(rounds: u64, idle: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let spawner = Spawner::start(SpawnerOptions::default()).unwrap();
    let _idle: Vec<Spawned> =
        (0..idle).map(|number| runtime.block_on(start_idle(&spawner, number))).collect();
    let (mut bare, mut running, mut emptied) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        bare.push(bare_spawn());
        let (started, ended) = runtime.block_on(our_spawn(&spawner, round));
        running.push(started);
        emptied.push(ended);
    }
    println!("bare spawn to exit            {}", summary(&mut bare));
    println!("ours, spawn to program runs   {}", summary(&mut running));
    println!("ours, spawn to proved empty   {}", summary(&mut emptied));
}

async fn start_idle(spawner: &Spawner, number: u64) -> Spawned {
    let label = Label { plugin: format!("idle-{number}"), generation: 1 };
    let mut spec = SpawnSpec::new(label, "/proc/self/exe", "/");
    spec.args.push("hold".into());
    spawner.spawn(spec).await.unwrap()
}

fn bare_spawn() -> Duration {
    let started = Instant::now();
    let mut command = Command::new(PROGRAM);
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap().wait().unwrap();
    started.elapsed()
}

async fn our_spawn(spawner: &Spawner, generation: u64) -> (Duration, Duration) {
    let spec = SpawnSpec::new(Label { plugin: "measured".into(), generation }, PROGRAM, "/");
    let started = Instant::now();
    let child = spawner.spawn(spec).await.unwrap();
    let running = started.elapsed();
    child.exit.exited().await;
    child.containment.prove_empty(LIMIT).await.unwrap();
    (running, started.elapsed())
}

fn summary(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100];
    format!("p10 {:?}  median {:?}  p90 {:?}", at(10), at(50), at(90))
}
