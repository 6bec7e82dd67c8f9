//! An application that starts Outboard, says as a line of JSON which processes there are, and waits: whoever kills it can see that
//! nothing stays. Arguments: the program, the folder of plugins, the data folder, the runtime folder.
#![allow(clippy::print_stdout, reason = "it speaks to whoever runs it")]

use outboard_embed::control::StatusParams;
use outboard_embed::control::methods::Status;
use outboard_embed::{Options, Outboard};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [binary, plugins, data, runtime_dir] = words.as_slice() else {
        return Err("name the program, the plugins, the data and the runtime folder".into());
    };
    let mut options = Options::new(plugins, data);
    options.binary = Some(binary.into());
    options.runtime_dir = Some(runtime_dir.into());
    let outboard = Outboard::start(options).await?;
    let ready = outboard.ready();
    let report = outboard.call::<Status>(&StatusParams::default()).await?;
    let plugins = report.plugins.iter().filter_map(|plugin| plugin.pid);
    let pids: Vec<u32> = [ready.pid, ready.keeper_pid].into_iter().chain(plugins).collect();
    println!("{}", serde_json::json!({ "pids": pids }));
    std::future::pending().await
}
