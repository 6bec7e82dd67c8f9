//! A complete plugin in Rust: HTTP below `/api/hello-rust`, a durable count of visits, events for its UI, a channel that the
//! UI can call, and streams both ways. `main` hands the hooks to the SDK; everything else is plain axum.

use std::convert::Infallible;
use std::process::ExitCode;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use futures_util::{Stream, StreamExt, stream};
use outboard_plugin::{Context, Failure, Plugin};
use serde_json::{Value, json};
use tokio::sync::watch;

/// What every request may use.
struct Hello {
    ctx: Context,
    /// The visits so far; every SSE stream watches it.
    visits: watch::Sender<u64>,
    /// Held while a visit is counted, so that the stored counts never go backwards.
    counting: tokio::sync::Mutex<()>,
}

fn main() -> ExitCode {
    plugin().run()
}

fn plugin() -> Plugin {
    Plugin::new().on_start(on_start).on_stop(|ctx| async move {
        ctx.logger.info("Hello", "goodbye");
        Ok(())
    })
}

async fn on_start(ctx: Context) -> Result<(), Failure> {
    let visits = watch::Sender::new(ctx.config.get_or("visits", 0).await?);
    ctx.logger.info("Hello", format!("{} visits so far", *visits.borrow()));
    let hello = Arc::new(Hello { ctx: ctx.clone(), visits, counting: tokio::sync::Mutex::new(()) });
    let shared = Arc::clone(&hello);
    ctx.ipc.handle("get-status", move |_| {
        let visits = *shared.visits.borrow();
        async move { Ok(json!({ "online": true, "visits": visits })) }
    });
    let router = Router::new()
        .route("/", get(greet))
        .route("/events", get(events))
        .route("/echo", any(echo))
        .route("/upload", post(upload).put(upload))
        .route("/download", get(download))
        .with_state(hello);
    ctx.server.register_router(ctx.http_prefix(), router);
    Ok(())
}

/// Greets, counts the visit durably, and tells the UI.
async fn greet(State(hello): State<Arc<Hello>>) -> Json<Value> {
    let greeting = hello.ctx.config.get_or("greeting", "Hello from Rust".to_owned()).await;
    let counting = hello.counting.lock().await;
    let visits = *hello.visits.borrow() + 1;
    hello.visits.send_replace(visits);
    if let Err(error) = hello.ctx.config.set("visits", &visits).await {
        hello.ctx.logger.error_from("Hello", "the visit is counted in memory only", &error);
    }
    drop(counting);
    // Nobody may be listening, and that is fine.
    let _ = hello.ctx.ipc.send("visited", &json!({ "visits": visits }));
    let greeting = greeting.unwrap_or_else(|error| format!("Hello ({error})"));
    Json(json!({ "greeting": greeting, "visits": visits, "pid": std::process::id() }))
}

/// Server-sent events: the count now, and at every visit.
async fn events(State(hello): State<Arc<Hello>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut watching = hello.visits.subscribe();
    watching.mark_changed();
    let counts = stream::unfold(watching, async |mut watching| {
        watching.changed().await.ok()?;
        let visits = *watching.borrow_and_update();
        Some((Ok(Event::default().event("visits").data(visits.to_string())), watching))
    });
    Sse::new(counts).keep_alive(KeepAlive::default())
}

/// A WebSocket that sends back what it gets.
async fn echo(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |mut socket: WebSocket| {
        while let Some(Ok(message)) = socket.recv().await {
            if let Message::Text(_) | Message::Binary(_) = message
                && socket.send(message).await.is_err()
            {
                break;
            }
        }
    })
}

/// Counts the bytes of a body of any size without keeping them.
async fn upload(body: Body) -> Json<Value> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut whole) = (0u64, true);
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => bytes += chunk.len() as u64,
            Err(_) => whole = false,
        }
    }
    Json(json!({ "bytes": bytes, "whole": whole }))
}

#[derive(serde::Deserialize)]
struct Download {
    #[serde(default)]
    bytes: u64,
}

/// Sends as many bytes as are asked for, one piece at a time.
async fn download(Query(asked): Query<Download>) -> Body {
    static PIECE: [u8; 64 * 1024] = [b'.'; 64 * 1024];
    Body::from_stream(stream::unfold(asked.bytes, async |left| {
        let size = left.min(PIECE.len() as u64);
        (size > 0).then(|| (Ok::<_, Infallible>(Bytes::from_static(&PIECE[..size as usize])), left - size))
    }))
}

#[cfg(test)]
mod tests {
    use outboard_plugin::testing::Setup;
    use serde_json::json;

    #[tokio::test]
    async fn a_visit_is_greeted_counted_and_pushed() {
        let host =
            Setup::new("hello-rust").config("visits", 41).start(super::plugin()).await.expect("starts");
        let (status, body) = host.get("/api/hello-rust/").await;
        assert_eq!(status, 200);
        assert!(String::from_utf8_lossy(&body).contains("Hello from Rust"));
        assert_eq!(host.config("visits"), Some(json!(42)));
        assert_eq!(host.next_event().await.expect("an event").payload, json!({ "visits": 42 }));
        assert_eq!(host.invoke("get-status", vec![]).await.expect("an answer")["visits"], 42);
        let (_, body) = host.get("/api/hello-rust/download?bytes=100000").await;
        assert_eq!(body.len(), 100_000);
        host.stop().await.expect("stops");
    }
}
