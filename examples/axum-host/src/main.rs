//! A web application that embeds Outboard: its own pages and routes, and the plugins' UIs in frames.
//!
//! Arguments: the folder of plugins, the data folder, and where to listen (`127.0.0.1:3000`).
#![allow(clippy::print_stdout, reason = "it tells its user where it answers")]

mod routes;

use std::error::Error;

use outboard_embed::{Options, Outboard};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(plugins), Some(data)) = (words.next(), words.next()) else {
        return Err("name the folder of plugins and the data folder".into());
    };
    let listener = TcpListener::bind(words.next().as_deref().unwrap_or("127.0.0.1:3000")).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let mut options = Options::new(plugins, data);
    // Our page may hold plugins' pages in frames.
    options.settings = format!("[http]\nallowed_origins = [\"{origin}\"]\n");
    let outboard = Outboard::start(options).await?;
    println!("{origin}");
    let mut terminate = signal(SignalKind::terminate())?;
    let asked_to_stop = async move {
        tokio::select! {
            // Without signals nobody can ask.
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    axum::serve(listener, routes::router(outboard.clone())).with_graceful_shutdown(asked_to_stop).await?;
    outboard.stop().await;
    Ok(())
}
