//! What becomes of requests while a plugin starts, dies and comes back.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fixture::*;
use outboard_host::routes::{RouteState, Upstream, testing};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A generation that reads one head per connection, counts it, and dies without an answer.
fn dying(house: &House, heads: &Arc<AtomicUsize>) -> Arc<Upstream> {
    let heads = Arc::clone(heads);
    house.generation(move |mut stream, _| {
        let heads = Arc::clone(&heads);
        async move {
            if !read_head(&mut stream).await.is_empty() {
                heads.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
}

#[tokio::test]
async fn nobody_is_told_that_there_is_no_such_plugin_before_it_is_known_which_there_are() {
    let house = House::new();
    house.known.send_replace(false);
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let asked = tokio::spawn(async move { exchange(listen, &get(listen, "/api/x/", "")).await.unwrap() });
    until(|| house.known.receiver_count() == 1).await;
    assert!(!asked.is_finished());
    let upstream = house.generation(|stream, _| echo_head(stream));
    house.plugin("x", open(&upstream));
    house.known.send_replace(true);
    assert_eq!(status(&soon(asked).await.unwrap()), 200);
}

#[tokio::test]
async fn a_request_that_comes_during_a_start_waits_and_is_answered() {
    let house = House::new();
    let route = house.plugin("x", waiting("it is starting"));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let request = format!(
        "POST /api/x/ HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody"
    );
    let asked = tokio::spawn(async move { exchange(listen, request.as_bytes()).await.unwrap() });
    until_one_waits_on(&route).await;
    let upstream = house.generation(|stream, _| echo_head(stream));
    testing::publish(&route, open(&upstream));
    assert_eq!(status(&asked.await.unwrap()), 200);
}

#[tokio::test]
async fn a_plugin_that_registers_its_prefix_while_it_starts_is_waited_for() {
    let house = House::new();
    let route = house.plugin_with("x", waiting("it is starting"), false, true);
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let asked = tokio::spawn(async move { exchange(listen, &get(listen, "/api/x/", "")).await.unwrap() });
    until_one_waits_on(&route).await;
    house.claim("x", "/api/x");
    let upstream = house.generation(|stream, _| echo_head(stream));
    testing::publish(&route, open(&upstream));
    assert_eq!(status(&asked.await.unwrap()), 200);
}

#[tokio::test]
async fn waiting_ends_in_503_with_the_cause_when_the_time_is_up_or_the_plugin_gives_up() {
    let house = House::new();
    let route = house.plugin("x", waiting("it crashed; next try in 30 s"));
    let patience = Duration::from_millis(50);
    let gateway = gateway(&house, |options| options.waiting_time = patience).await;
    let listen = gateway.listen();
    let answer = not_before(patience, exchange(listen, &get(listen, "/api/x/", ""))).await.unwrap();
    assert_eq!((status(&answer), problem(&answer).as_str()), (503, "plugin-not-running"));
    assert!(
        answer.contains("retry-after: 2\r\n") && answer.contains("it crashed; next try in 30 s"),
        "{answer}"
    );
    testing::publish(
        &route,
        RouteState::Closed { cause: "crash loop".to_owned(), retry_after: Some(Duration::from_millis(1)) },
    );
    let answer = exchange(listen, &get(listen, "/api/x/", "")).await.unwrap();
    assert!(answer.contains("retry-after: 1\r\n") && answer.contains("crash loop"), "{answer}");
}

#[tokio::test]
async fn only_so_many_requests_wait_and_the_rest_is_told_so() {
    let house = House::new();
    let route = house.plugin("x", waiting("it is starting"));
    let gateway = gateway(&house, |options| options.waiting_requests = 2).await;
    let listen = gateway.listen();
    let ask = || tokio::spawn(async move { exchange(listen, &get(listen, "/api/x/", "")).await.unwrap() });
    // With five in and two seats, three are refused at once; the two wait on.
    let mut asked: Vec<_> = (0..5).map(|_| ask()).collect();
    until(|| asked.iter().filter(|one| one.is_finished()).count() == 3).await;
    let upstream = house.generation(|stream, _| echo_head(stream));
    testing::publish(&route, open(&upstream));
    let mut outcomes = Vec::new();
    for one in asked.drain(..) {
        let answer = one.await.unwrap();
        if status(&answer) == 503 {
            assert_eq!(problem(&answer), "too-many-waiting");
            assert!(answer.contains("retry-after: "), "{answer}");
        }
        outcomes.push(status(&answer));
    }
    outcomes.sort_unstable();
    assert_eq!(outcomes, [200, 200, 503, 503, 503]);
}

#[tokio::test]
async fn the_memory_of_waiting_requests_is_bounded_too() {
    let house = House::new();
    house.plugin("x", waiting("it is starting"));
    let gateway = gateway(&house, |options| options.waiting_bytes = 1000).await;
    let answer = exchange(gateway.listen(), &get(gateway.listen(), "/api/x/", "")).await.unwrap();
    assert_eq!(problem(&answer), "too-many-waiting");
}

#[tokio::test]
async fn a_safe_request_that_a_dying_plugin_swallowed_is_sent_once_more_to_the_next_generation() {
    for method in ["GET", "HEAD", "OPTIONS"] {
        let (house, heads) = (House::new(), Arc::new(AtomicUsize::new(0)));
        let first = dying(&house, &heads);
        let route = house.plugin("x", open(&first));
        let gateway = gateway(&house, |_| {}).await;
        let listen = gateway.listen();
        let request = format!("{method} /api/x/ HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
        let asked = tokio::spawn(async move { exchange(listen, request.as_bytes()).await.unwrap() });
        until(|| heads.load(Ordering::SeqCst) == 1).await;
        testing::publish(&route, waiting("it crashed"));
        until_one_waits_on(&route).await;
        let second = house.generation(|stream, _| echo_head(stream));
        testing::publish(&route, open(&second));
        let answer = asked.await.unwrap();
        assert_eq!(status(&answer), 200, "{method}: {answer}");
        assert_eq!(heads.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_second_death_is_a_502_and_no_third_try() {
    let (house, heads) = (House::new(), Arc::new(AtomicUsize::new(0)));
    let first = dying(&house, &heads);
    let route = house.plugin("x", open(&first));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let asked = tokio::spawn(async move { exchange(listen, &get(listen, "/api/x/", "")).await.unwrap() });
    for so_far in 1..=2 {
        until(|| heads.load(Ordering::SeqCst) == so_far).await;
        let next = dying(&house, &heads);
        testing::publish(&route, open(&next));
    }
    let answer = asked.await.unwrap();
    assert_eq!((status(&answer), problem(&answer).as_str()), (502, "plugin-broke-off"));
    assert_eq!(heads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn nothing_else_is_sent_twice() {
    let cases = [
        ("POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", true),
        ("DELETE /api/x/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", true),
        ("PUT /api/x/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: 1\r\n\r\nA", true),
        ("GET /api/x/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: 1\r\n\r\nA", true),
        ("GET /api/x/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", false),
    ];
    for (request, replay) in cases {
        let (house, heads) = (House::new(), Arc::new(AtomicUsize::new(0)));
        house.claim("x", "/api/x");
        let first = dying(&house, &heads);
        let route = house.plugin_with("x", open(&first), false, replay);
        let gateway = gateway(&house, |_| {}).await;
        let listen = gateway.listen();
        let request = request.replace("HOST", &listen.to_string());
        let asked = tokio::spawn(async move { exchange(listen, request.as_bytes()).await.unwrap() });
        until(|| heads.load(Ordering::SeqCst) == 1).await;
        let second = dying(&house, &heads);
        testing::publish(&route, open(&second));
        let answer = asked.await.unwrap();
        assert_eq!((status(&answer), problem(&answer).as_str()), (502, "plugin-broke-off"));
        assert_eq!(heads.load(Ordering::SeqCst), 1);
    }
}

/// A generation that answers the first request of each connection and hangs up on the second, or on the first of all but the first
/// `answering` connections. It counts the heads that it hangs up on.
fn hanging_up(house: &House, hung_up: &Arc<AtomicUsize>, answering: usize) -> Arc<Upstream> {
    let hung_up = Arc::clone(hung_up);
    house.generation(move |mut stream, number| {
        let hung_up = Arc::clone(&hung_up);
        async move {
            for _ in 0..usize::from(number <= answering) {
                read_head(&mut stream).await;
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            }
            if !read_head(&mut stream).await.is_empty() {
                hung_up.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
}

#[tokio::test]
async fn a_safe_request_on_a_kept_connection_that_the_plugin_closes_goes_out_again_on_a_fresh_one() {
    let (house, hung_up) = (House::new(), Arc::new(AtomicUsize::new(0)));
    let upstream = hanging_up(&house, &hung_up, usize::MAX);
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |options| options.pool_idle = HANG).await;
    let listen = gateway.listen();
    let ask = |method: &str| {
        let request = format!("{method} /api/x/ HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
        async move { status(&exchange(listen, request.as_bytes()).await.unwrap()) }
    };
    assert_eq!(ask("GET").await, 200);
    for (number, method) in ["GET", "HEAD", "OPTIONS"].into_iter().enumerate() {
        assert_eq!(ask(method).await, 200, "{method}");
        assert_eq!(hung_up.load(Ordering::SeqCst), number + 1);
    }
    // Whatever else it is, it may have had its effect.
    assert_eq!(ask("DELETE").await, 502);
}

#[tokio::test]
async fn a_fresh_connection_that_the_plugin_closes_too_is_the_end_of_it_in_this_generation() {
    let (house, hung_up) = (House::new(), Arc::new(AtomicUsize::new(0)));
    let upstream = hanging_up(&house, &hung_up, 1);
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |options| options.pool_idle = HANG).await;
    let listen = gateway.listen();
    assert_eq!(status(&exchange(listen, &get(listen, "/api/x/", "")).await.unwrap()), 200);
    let answer = exchange(listen, &get(listen, "/api/x/", "")).await.unwrap();
    assert_eq!((status(&answer), problem(&answer).as_str()), (502, "plugin-broke-off"));
    assert_eq!(hung_up.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_plugin_that_lives_and_hangs_up_is_not_asked_again() {
    let (house, heads) = (House::new(), Arc::new(AtomicUsize::new(0)));
    let upstream = dying(&house, &heads);
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let answer = exchange(gateway.listen(), &get(gateway.listen(), "/api/x/", "")).await.unwrap();
    assert_eq!(problem(&answer), "plugin-broke-off");
    assert_eq!(heads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_closed_door_is_502_while_the_plugin_lives_and_a_wait_when_it_has_died() {
    let house = House::new();
    let (dead, listener) = house.listener();
    drop(listener);
    let route = house.plugin("x", open(&dead));
    let gateway = gateway(&house, |options| options.waiting_requests = 1).await;
    let listen = gateway.listen();
    let answer = exchange(listen, &get(listen, "/api/x/", "")).await.unwrap();
    assert_eq!((status(&answer), problem(&answer).as_str()), (502, "plugin-refused"));
    // Nothing was sent, so even a POST may go to the next generation.
    let request = format!(
        "POST /api/x/ HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody"
    );
    let asked = tokio::spawn(async move { exchange(listen, request.as_bytes()).await.unwrap() });
    until_one_waits_on(&route).await;
    testing::publish(&route, waiting("it crashed"));
    // The one seat is taken, so it has seen that it has to wait for the next generation.
    let another = exchange(listen, &get(listen, "/api/x/", "")).await.unwrap();
    assert_eq!(problem(&another), "too-many-waiting");
    let next = house.generation(|stream, _| echo_head(stream));
    testing::publish(&route, open(&next));
    assert_eq!(status(&asked.await.unwrap()), 200);
}

#[tokio::test]
async fn connections_are_reused_within_a_generation_and_closed_at_its_end() {
    let house = House::new();
    let (number, mut connections) = tokio::sync::watch::channel(0);
    let (closed, mut ends) = tokio::sync::mpsc::channel(4);
    let first = house.generation(move |stream, count| {
        number.send_replace(count);
        let closed = closed.clone();
        async move {
            echo_head(stream).await;
            let _ = closed.send(()).await;
        }
    });
    let route = house.plugin("x", open(&first));
    let gateway = gateway(&house, |options| options.pool_idle = HANG).await;
    let listen = gateway.listen();
    for _ in 0..5 {
        assert_eq!(status(&exchange(listen, &get(listen, "/api/x/", "")).await.unwrap()), 200);
    }
    assert_eq!(*connections.borrow_and_update(), 1, "one connection served all five");
    testing::publish(&route, waiting("an operator restarts it"));
    soon(ends.recv()).await.expect("the idle connection was closed");
    let second = house.generation(|stream, _| echo_head(stream));
    testing::publish(&route, open(&second));
    assert_eq!(status(&exchange(listen, &get(listen, "/api/x/", "")).await.unwrap()), 200);
    assert_eq!(*connections.borrow(), 1);
}

#[tokio::test]
async fn a_request_counts_as_inside_until_its_answer_has_gone() {
    let house = House::new();
    let (finish, wanted) = tokio::sync::oneshot::channel::<()>();
    let (upstream, listener) = house.listener();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha").await.unwrap();
        wanted.await.unwrap();
        stream.write_all(b"lf").await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    client.write_all(&get(gateway.listen(), "/api/x/", "")).await.unwrap();
    soon(read_head(&mut client)).await;
    assert_eq!(upstream.in_flight(), 1);
    finish.send(()).unwrap();
    assert_eq!(read_all(&mut client).await.unwrap(), "half");
    until(|| upstream.in_flight() == 0).await;
}

#[tokio::test]
async fn a_plugin_that_does_not_answer_is_504() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        read_head(&mut stream).await;
    });
    house.plugin("x", open(&upstream));
    let patience = Duration::from_millis(50);
    let gateway = gateway(&house, |options| options.answer_timeout = patience).await;
    let request = get(gateway.listen(), "/api/x/", "");
    let answer = not_before(patience, exchange(gateway.listen(), &request)).await.unwrap();
    assert_eq!((status(&answer), problem(&answer).as_str()), (504, "plugin-slow"));
}
