//! What a peer owes its callers and the other side.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::task::Poll;

use outboard_protocol::wire::frame::Frame;

use super::*;

/// The frames that the peer has written, once it is closed.
async fn written(peer: &Peer) -> String {
    let (write_end, mut read_end) = tokio::io::duplex(64 * 1024);
    let writer = peer.outbox.write_to(write_end);
    let closer = async {
        peer.outbox.flushed().await;
        peer.close();
    };
    tokio::join!(writer, closer);
    let mut text = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut read_end, &mut text).await.unwrap();
    text
}

#[tokio::test]
async fn a_call_without_an_answer_ends_at_its_deadline_and_the_other_side_is_told() {
    let peer = Peer::default();
    let outcome = tokio::select! {
        outcome = peer.call("slow", &(), Duration::from_millis(5)) => outcome,
        () = peer.watch_deadlines() => unreachable!("deadlines are watched for ever"),
    };
    assert!(matches!(outcome, Err(CallError::Timeout { method: "slow", .. })));
    let text = written(&peer).await;
    assert_eq!(
        text.lines().last().unwrap(),
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#
    );
}

#[tokio::test]
async fn progress_moves_the_deadline_and_late_or_double_answers_change_nothing() {
    let peer = Peer::default();
    let call = peer.call("m", &(), Duration::from_secs(600));
    tokio::pin!(call);
    assert!(std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await);
    let before = peer.lock().book.next_deadline().unwrap();
    peer.receive(br#"{"jsonrpc":"2.0","method":"$/progress","params":{"id":1}}"#, |_| unreachable!());
    assert!(peer.lock().book.next_deadline().unwrap() > before);
    for answer in [r#"{"jsonrpc":"2.0","id":1,"result":7}"#, r#"{"jsonrpc":"2.0","id":1,"result":8}"#] {
        peer.receive(answer.as_bytes(), |_| unreachable!());
    }
    assert_eq!(call.await.unwrap().get(), "7");
}

#[tokio::test]
async fn calls_beyond_those_that_a_host_works_on_at_once_wait_for_their_turn() {
    let peer = Peer::default();
    let mut calls: Vec<_> =
        (0..300).map(|_| Box::pin(peer.call("m", &(), Duration::from_secs(600)))).collect();
    std::future::poll_fn(|cx| {
        for call in &mut calls {
            assert!(call.as_mut().poll(cx).is_pending());
        }
        Poll::Ready(())
    })
    .await;
    assert_eq!(peer.lock().book.len(), 256);
    for id in 1..=300 {
        peer.receive(
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{id}}}"#).as_bytes(),
            |_| unreachable!(),
        );
        let call = calls.remove(0);
        assert_eq!(call.await.unwrap().get(), id.to_string());
        std::future::poll_fn(|cx| {
            calls.iter_mut().for_each(|call| assert!(call.as_mut().poll(cx).is_pending()));
            Poll::Ready(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_broken_message_is_answered_with_a_null_id_and_noise_is_not() {
    let peer = Peer::default();
    peer.receive(b"hello, world", |_| unreachable!());
    peer.receive(br#"{"jsonrpc":"2.0","id":null,"method":"m"}"#, |_| unreachable!());
    let text = written(&peer).await;
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains(r#""id":null"#) && text.contains("-32600"), "{text}");
}

#[tokio::test]
async fn an_answer_over_the_limit_becomes_an_error() {
    let peer = Peer::default();
    let big = "x".repeat(FRAME_MAX);
    peer.answer(Id::from_json("1").unwrap(), Ok(big));
    assert!(written(&peer).await.contains("-32003"));
}

#[tokio::test]
async fn a_call_whose_answer_is_broken_or_too_long_ends_at_once_wherever_its_id_stands() {
    let peer = Peer::default();
    let mut decoder = outboard_protocol::wire::frame::Decoder::new(1024);
    let large = "x".repeat(5000);
    for (answer, why) in [
        (r#"{"jsonrpc":"2.0","id":ID}"#, "neither `method`, nor `result`"),
        (r#"{"jsonrpc":"2.0","id":ID,"result":NaN}"#, "column"),
        (r#"{"jsonrpc":"2.0","id":ID,"result":1,"error":{"code":1,"message":"m"}}"#, "either"),
        (r#"{"jsonrpc":"2.0","id":ID,"result":"LARGE"}"#, "at most"),
        (r#"{"jsonrpc":"2.0","result":"LARGE","id":ID}"#, "at most"),
        (r#"{"id":ID,"error":{"code":1,"message":"LARGE"},"jsonrpc":"2.0"}"#, "at most"),
        (r#"{"jsonrpc":"2.0","result":"LARGE","id":ID,"more":"LARGE"}"#, "at most"),
    ] {
        let call = peer.call("m", &(), Duration::from_secs(600));
        tokio::pin!(call);
        assert!(std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await);
        let id = peer.lock().book.only().unwrap().to_string();
        decoder.feed(answer.replace("ID", &id).replace("LARGE", &large).as_bytes());
        decoder.feed(b"\n");
        while let Some(frame) = decoder.next_frame() {
            match frame {
                Frame::Line(line) => peer.receive(line, |_| unreachable!()),
                Frame::Oversized(beginning) => peer.oversized(beginning),
                Frame::Skipped(ending) => peer.skipped(ending),
            }
        }
        let Err(CallError::Refused { error, .. }) = call.await else { panic!("{answer}") };
        assert!(error.message.contains("answer is broken") && error.message.contains(why), "{error}");
    }
}
