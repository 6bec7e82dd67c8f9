//! The program of a process in memory: reads what it is told, and answers as its nature says.
//!
//! Run by its process. Must not know the actor, or whether it lives: its process ends it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use outboard_lifecycle::Exit;
use outboard_protocol::wire::FRAME_MAX;
use outboard_protocol::wire::frame::{Decoder, Frame};
use outboard_protocol::wire::message::{self, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::sleep;

use super::nature::{Answer, Says};
use super::process::{FakeProcess, Happened};

/// Between two words of one that still works on a call.
const PROGRESS: Duration = Duration::from_secs(1);

/// The child's ends.
pub(super) struct Pipes {
    pub(super) input: DuplexStream,
    pub(super) output: DuplexStream,
    pub(super) errors: DuplexStream,
}

/// Runs until the process ends. Then its pipes close, unless somebody else holds them.
pub(super) async fn run(process: Arc<FakeProcess>, mut pipes: Pipes) {
    let printed = pipes.errors.write_all(process.nature().prints.as_bytes()).await;
    if printed.is_err() {
        return;
    }
    let Pipes { input, output, errors } = pipes;
    tokio::select! {
        biased;
        _ = process.ended() => {}
        () = converse(&process, input, output) => {}
    }
    if process.nature().pipes_are_held {
        process.all_ended().await;
    }
    drop(errors);
}

async fn converse(process: &Arc<FakeProcess>, mut input: DuplexStream, output: DuplexStream) {
    let mut output = Some(output);
    let mut decoder = Decoder::new(FRAME_MAX);
    let mut answers: FuturesUnordered<BoxFuture<'static, Vec<u8>>> = FuturesUnordered::new();
    let mut pings = process.nature().pings;
    let mut open = true;
    let hangs_up = async {
        match process.nature().hangs_up {
            Some(after) => sleep(after).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(hangs_up);
    loop {
        tokio::select! {
            biased;
            read = input.read_buf(decoder.buffer()), if open => {
                if read.unwrap_or(0) == 0 {
                    open = false;
                    process.note(Happened::InputEnded);
                    process.ends(process.nature().leaves.filter(|_| !process.is_traced()), Exit::Code(0));
                }
                while let Some(frame) = decoder.next_frame() {
                    if let Frame::Line(line) = frame {
                        told(process, line, &mut pings, &answers);
                    }
                }
            }
            Some(frame) = answers.next(), if !answers.is_empty() => {
                if let Some(output) = output.as_mut()
                    && output.write_all(&frame).await.is_err()
                {
                    return std::future::pending().await;
                }
            }
            () = &mut hangs_up, if output.is_some() => output = None,
            else => return std::future::pending().await,
        }
    }
}

/// One message to it.
fn told(
    process: &FakeProcess,
    line: &[u8],
    pings: &mut Option<u32>,
    answers: &FuturesUnordered<BoxFuture<'static, Vec<u8>>>,
) {
    let (method, id) = match message::parse(line) {
        Ok(Message::Request { id, method, .. }) => (method.into_owned(), Some(id.as_json().to_owned())),
        Ok(Message::Notification { method, .. }) => (method.into_owned(), None),
        Ok(Message::Response { .. }) | Err(_) => ("an answer".to_owned(), None),
    };
    process.note(Happened::Told(method.clone()));
    let (Some(id), false) = (id, process.is_traced()) else { return };
    let nature = process.nature();
    let answer = match method.as_str() {
        "initialize" => nature.initialize,
        "start" | "resume" => nature.start,
        "stop" => nature.stop,
        "ping" => match pings {
            Some(0) => Answer::NEVER,
            left => {
                *left = left.map(|left| left - 1);
                nature.ping
            }
        },
        _ => nature.invoke,
    };
    if method == "start" {
        for number in 0..nature.calls {
            let call = format!(
                r#"{{"jsonrpc":"2.0","id":"c{number}","method":"config.set","params":{{"key":"k","value":1}}}}"#
            );
            answers.push(Box::pin(async move { (call + "\n").into_bytes() }));
        }
    }
    let Some(after) = answer.after else { return };
    let result = match method.as_str() {
        "initialize" => r#"{"protocolVersion":1,"hooks":["onStart","onStop"],"features":["http"]}"#,
        _ => "{}",
    };
    let yes = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n");
    let later = |after: Duration, frame: String| -> BoxFuture<'static, Vec<u8>> {
        Box::pin(async move {
            sleep(after).await;
            frame.into_bytes()
        })
    };
    match answer.says {
        Says::Yes => answers.push(later(after, yes)),
        Says::Twice => answers.push(later(after, yes.repeat(2))),
        Says::Noise => answers.push(later(after, "this is not a message\n".to_owned())),
        Says::No(why) => {
            let error = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":-32000,\"message\":\"{why}\"}}}}\n"
            );
            answers.push(later(after, error));
        }
        Says::Progress => {
            let mut at = PROGRESS;
            while at < after {
                let word =
                    format!("{{\"jsonrpc\":\"2.0\",\"method\":\"$/progress\",\"params\":{{\"id\":{id}}}}}\n");
                answers.push(later(at, word));
                at += PROGRESS;
            }
            answers.push(later(after, yes));
        }
    }
}
