//! Who provides what, what becomes of calls, and what waits for consumers, by a clock that stands still.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
#![allow(clippy::needless_pass_by_value, reason = "a case writes its values down where it hands them over")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use outboard_broker::{
    Answer, Answerer, Broker, Choice, Consumer, Desk as Counter, Provider, Standing, Told, Word,
};
use outboard_protocol::context::service::{
    AskParams, CallParams, EmitParams, EventParams, ReplyParams, ServiceState, SubscribeParams,
    SubscribedParams,
};
use outboard_protocol::id::{RoutePrefix, ServiceName};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tokio::sync::oneshot;

type Outcome = Result<Box<RawValue>, RpcError>;

/// A provider that answers when the test says so, and notes what it is told.
#[derive(Default)]
struct Desk {
    asked: Mutex<Vec<(CallParams, oneshot::Sender<Outcome>)>>,
    subscribed: Mutex<Vec<(String, Vec<String>)>>,
    instead: Mutex<Vec<Option<String>>>,
}

impl Answerer for Desk {
    fn call(&self, call: CallParams, limit: Duration) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.asked.lock().unwrap().push((call, answer));
        Box::pin(async move {
            let gone = || RpcError::new(ErrorReason::Unavailable, "gone");
            let late = || RpcError::new(ErrorReason::Timeout, "late");
            tokio::time::timeout(limit, answered).await.map_err(|_| late())?.map_err(|_| gone())?
        })
    }
    fn subscribed(&self, told: SubscribedParams) {
        let consumers = told.consumers.iter().map(ToString::to_string).collect();
        self.subscribed.lock().unwrap().push((told.event.to_string(), consumers));
    }
    fn holds(&self, _: &ServiceName, instead: Option<&Provider>) {
        self.instead.lock().unwrap().push(instead.map(ToString::to_string));
    }
}

impl Desk {
    fn ready(self: &Arc<Self>) -> Standing {
        Standing::Ready(Arc::clone(self) as _)
    }
    /// Answers the oldest question.
    fn answer(&self, value: Value) {
        let (_, answer) = self.asked.lock().unwrap().remove(0);
        let _ = answer.send(Ok(to_raw_value(&value).unwrap()));
    }
    /// Goes away with every question that is open.
    fn leave(&self) {
        self.asked.lock().unwrap().clear();
    }
    fn methods(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(call, _)| call.method.to_string()).collect()
    }
}

fn flight() -> ServiceName {
    ServiceName::new("flight").unwrap()
}
fn plugin(id: &str) -> Provider {
    Provider::Plugin(PluginId::new(id).unwrap())
}
fn consumer(broker: &Broker, id: &str) -> Consumer {
    broker.consumer(PluginId::new(id).unwrap())
}
fn call(method: &str, timeout_ms: Option<u64>) -> CallParams {
    serde_json::from_str(&json!({"service": "flight", "method": method, "timeoutMs": timeout_ms}).to_string())
        .unwrap()
}
fn event(name: &str) -> SubscribeParams {
    serde_json::from_value(json!({"service": "flight", "event": name})).unwrap()
}
fn emitted(name: &str, payload: Value, latest: bool) -> EmitParams {
    serde_json::from_str(
        &json!({"service": "flight", "event": name, "payload": payload, "latest": latest}).to_string(),
    )
    .unwrap()
}
fn reason(error: &RpcError) -> ErrorReason {
    error.reason().unwrap()
}
/// The payloads that wait, with what was left out before each.
fn events(consumer: &Consumer) -> Vec<(Value, u64)> {
    std::iter::from_fn(|| consumer.take())
        .filter_map(|told| match told {
            Told::Event(EventParams { payload, missed, .. }) => {
                Some((serde_json::from_str(payload.unwrap().get()).unwrap(), missed))
            }
            Told::Changed(_) => None,
        })
        .collect()
}
fn changes(consumer: &Consumer) -> Vec<ServiceState> {
    std::iter::from_fn(|| consumer.take())
        .filter_map(|told| match told {
            Told::Changed(change) => Some(change.state),
            Told::Event(_) => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_reaches_the_provider_with_the_caller_that_the_broker_knows() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    let liar = CallParams { caller: Some(PluginId::new("somebody-else").unwrap()), ..call("getState", None) };
    let answer = consumer(&broker, "hud").call(liar);
    assert_eq!(desk.asked.lock().unwrap()[0].0.caller.as_ref().unwrap().as_str(), "hud");
    desk.answer(json!({"phase": "climb"}));
    assert_eq!(answer.await.unwrap().get(), r#"{"phase":"climb"}"#);
}

#[tokio::test(start_paused = true)]
async fn who_has_called_a_service_is_told_when_it_comes_and_goes_and_nobody_else_is() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    let (hud, other) = (consumer(&broker, "hud"), consumer(&broker, "other"));
    let refused = hud.call(call("getState", None)).await.unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::NoProvider);
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    assert_eq!(changes(&hud), [ServiceState::Available]);
    broker.stand(&flight(), &plugin("sim"), Standing::Away("it crashed".to_owned()));
    assert_eq!(changes(&hud), [ServiceState::Unavailable]);
    broker.withdraw(&flight(), &plugin("sim"));
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    // What waits unread of a service is its newest state.
    assert_eq!(changes(&hud), [ServiceState::Available]);
    assert!(changes(&other).is_empty());
}

#[tokio::test(start_paused = true)]
async fn questions_are_put_in_the_order_of_the_calls_before_any_is_awaited() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    let hud = consumer(&broker, "hud");
    let _open: Vec<Answer> = ["a", "b", "c"].map(|method| hud.call(call(method, None))).into();
    assert_eq!(desk.methods(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_provides_is_told_from_what_is_not_there_now() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    let hud = consumer(&broker, "hud");
    let error = hud.call(call("getState", None)).await.unwrap_err();
    assert_eq!(reason(&error), ErrorReason::NoProvider);
    assert_eq!(error.data.unwrap().details["service"], "flight");
    broker.stand(&flight(), &plugin("sim"), Standing::Away("it is stopped".to_owned()));
    let error = hud.call(call("getState", None)).await.unwrap_err();
    assert_eq!(reason(&error), ErrorReason::Unavailable);
    assert!(error.message.contains("plugin sim") && error.message.contains("it is stopped"), "{error}");
    assert!(error.data.unwrap().retryable);
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    broker.withdraw(&flight(), &plugin("sim"));
    assert_eq!(reason(&hud.call(call("getState", None)).await.unwrap_err()), ErrorReason::NoProvider);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_provider_on_its_way_up_and_no_longer_than_its_own_limit() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &plugin("sim"), Standing::Starting);
    let hud = consumer(&broker, "hud");
    let late = hud.call(call("getState", Some(2_000)));
    let begun = tokio::time::Instant::now();
    assert_eq!(reason(&late.await.unwrap_err()), ErrorReason::Unavailable);
    assert_eq!(begun.elapsed().as_secs(), 2);
    let waiting = tokio::spawn(hud.call(call("getState", None)));
    tokio::time::sleep(Duration::from_secs(5)).await;
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    while desk.methods().is_empty() {
        tokio::task::yield_now().await;
    }
    desk.answer(json!(1));
    assert_eq!(waiting.await.unwrap().unwrap().get(), "1");
}

#[tokio::test(start_paused = true)]
async fn the_time_that_a_call_waited_for_its_provider_counts() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &plugin("sim"), Standing::Starting);
    let begun = tokio::time::Instant::now();
    let waiting = tokio::spawn(consumer(&broker, "hud").call(call("getState", Some(10_000))));
    tokio::time::sleep(Duration::from_secs(6)).await;
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    assert_eq!(reason(&waiting.await.unwrap().unwrap_err()), ErrorReason::Timeout);
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn the_first_that_comes_provides_and_the_next_takes_over_when_it_is_down() {
    let broker = Broker::default();
    let (first, second) = (Arc::<Desk>::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &plugin("first"), first.ready());
    broker.stand(&flight(), &plugin("second"), second.ready());
    let hud = consumer(&broker, "hud");
    let _open = hud.call(call("a", None));
    assert_eq!((first.methods().len(), second.methods().len()), (1, 0));
    // On its way up again it keeps its name.
    broker.stand(&flight(), &plugin("first"), Standing::Starting);
    assert_eq!(broker.provided_instead_of(&flight(), &plugin("second")), Some(plugin("first")));
    broker.stand(&flight(), &plugin("first"), Standing::Away("it is errored".to_owned()));
    let _open = hud.call(call("b", None));
    assert_eq!(second.methods(), ["b"]);
    // Whoever has it keeps it.
    broker.stand(&flight(), &plugin("first"), first.ready());
    assert_eq!(broker.provided_instead_of(&flight(), &plugin("first")), Some(plugin("second")));
}

#[tokio::test(start_paused = true)]
async fn the_settings_decide_between_several_and_wait_for_whom_they_name() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    broker.choose([(flight(), Choice::Plugin(PluginId::new("chosen").unwrap()))]);
    broker.stand(&flight(), &plugin("other"), desk.ready());
    let error = consumer(&broker, "hud").call(call("a", None)).await.unwrap_err();
    assert_eq!(reason(&error), ErrorReason::Unavailable);
    assert!(error.message.contains("plugin chosen"), "{error}");
    let chosen = Arc::<Desk>::default();
    broker.stand(&flight(), &plugin("chosen"), chosen.ready());
    let _open = consumer(&broker, "hud").call(call("a", None));
    assert_eq!((desk.methods().len(), chosen.methods().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn the_paths_of_a_service_go_to_whoever_provides_it_and_the_longest_counts() {
    let (broker, desk) = (Broker::default(), Arc::new(Desk::default()));
    let prefix = |path: &str| RoutePrefix::new(path).unwrap();
    let serving = |path: &str| broker.serving(path).map(|(who, by)| (who.to_string(), by.to_string()));
    let by = |who: &str, prefix: &str| Some((format!("plugin {who}"), prefix.to_owned()));
    assert_eq!(serving("/api/config"), None);
    for id in ["first", "second"] {
        broker.stand(&flight(), &plugin(id), desk.ready());
        broker.serve(&flight(), &plugin(id), &[prefix("/api/config"), prefix("/api/simulator")]);
    }
    assert_eq!(serving("/api/config/x"), by("first", "/api/config"));
    assert_eq!(serving("/api/configs"), None);
    assert_eq!(broker.served_by(&plugin("first")), [prefix("/api/config"), prefix("/api/simulator")]);
    assert_eq!(broker.served_by(&plugin("second")), []);
    // A plugin may register what its manifest names, whether it is its turn or not.
    let named = |id: &str, path: &str| broker.names(&PluginId::new(id).unwrap(), &prefix(path));
    assert!(named("second", "/api/config") && named("first", "/api/config/deeper"));
    assert!(!named("second", "/api/auth") && !named("third", "/api/config"));
    let deeper = ServiceName::new("acme.settings").unwrap();
    broker.stand(&deeper, &plugin("third"), desk.ready());
    broker.serve(&deeper, &plugin("third"), &[prefix("/api/config/acme"), prefix("/api/simulator")]);
    assert_eq!(serving("/api/config/acme/x"), by("third", "/api/config/acme"));
    assert_eq!(serving("/api/config/other"), by("first", "/api/config"));
    assert_eq!(serving("/api/simulator"), by("third", "/api/simulator"), "the first by its service's name");
    // While its provider comes up they are still its; once it is down, the next one's.
    broker.stand(&flight(), &plugin("first"), Standing::Starting);
    assert_eq!(serving("/api/config"), by("first", "/api/config"));
    broker.stand(&flight(), &plugin("first"), Standing::Away("it is errored".to_owned()));
    assert_eq!(serving("/api/config"), by("second", "/api/config"));
    broker.withdraw(&flight(), &plugin("second"));
    assert_eq!(serving("/api/config"), by("first", "/api/config"), "there is none but the one that is down");
}

#[tokio::test(start_paused = true)]
async fn the_page_gives_way_to_everybody_and_takes_over_when_they_are_gone() {
    let broker = Broker::default();
    let (page, application) = (Arc::<Desk>::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &Provider::Page(1), page.ready());
    broker.stand(&flight(), &Provider::Application(2), application.ready());
    let hud = consumer(&broker, "hud");
    let _open = hud.call(call("a", None));
    assert_eq!((page.methods().len(), application.methods().len()), (0, 1));
    assert_eq!(page.instead.lock().unwrap().last().unwrap().as_deref(), Some("the host application"));
    broker.withdraw(&flight(), &Provider::Application(2));
    let _open = hud.call(call("b", None));
    assert_eq!(page.methods(), ["b"]);
    assert_eq!(page.instead.lock().unwrap().last().unwrap(), &None);
}

#[tokio::test(start_paused = true)]
async fn subscriptions_outlive_the_provider_and_the_next_one_is_told_what_is_wanted() {
    let broker = Broker::default();
    let hud = consumer(&broker, "hud");
    hud.subscribe(&event("phase")).unwrap();
    assert_eq!(changes(&hud), [ServiceState::Unprovided]);
    let first = Arc::<Desk>::default();
    broker.stand(&flight(), &plugin("sim"), first.ready());
    assert_eq!(*first.subscribed.lock().unwrap(), [("phase".to_owned(), vec!["hud".to_owned()])]);
    broker.stand(&flight(), &plugin("sim"), Standing::Starting);
    let second = Arc::<Desk>::default();
    broker.stand(&flight(), &plugin("sim"), second.ready());
    assert_eq!(*second.subscribed.lock().unwrap(), [("phase".to_owned(), vec!["hud".to_owned()])]);
    // One word on a service waits, the newest.
    assert_eq!(changes(&hud), [ServiceState::Available]);
    broker.emit(&plugin("sim"), emitted("phase", json!("climb"), false)).unwrap();
    assert_eq!(events(&hud), [(json!("climb"), 0)]);
    hud.unsubscribe(&event("phase"));
    assert_eq!(*second.subscribed.lock().unwrap().last().unwrap(), ("phase".to_owned(), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_gone_wants_nothing_and_leaves_nothing() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    let hud = consumer(&broker, "hud");
    hud.subscribe(&event("phase")).unwrap();
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    drop(hud);
    assert_eq!(*desk.subscribed.lock().unwrap().last().unwrap(), ("phase".to_owned(), vec![]));
    broker.withdraw(&flight(), &plugin("sim"));
    assert_eq!(broker.status(), []);
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_sees_the_newest_of_what_is_latest_only_and_is_told_what_it_missed_of_the_rest() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    let hud = consumer(&broker, "hud");
    hud.subscribe(&event("data")).unwrap();
    hud.subscribe(&event("log")).unwrap();
    for n in 0..1000 {
        broker.emit(&plugin("sim"), emitted("data", json!(n), true)).unwrap();
    }
    assert_eq!(events(&hud), [(json!(999), 0)]);
    let large = "x".repeat(300 * 1024);
    for _ in 0..5 {
        broker.emit(&plugin("sim"), emitted("log", json!(large), false)).unwrap();
    }
    assert_eq!(events(&hud).len(), 3);
    broker.emit(&plugin("sim"), emitted("log", json!("after"), false)).unwrap();
    assert_eq!(events(&hud), [(json!("after"), 2)]);
    let status = &broker.status()[0];
    assert_eq!((status.events, status.skipped, status.missed), (1006, 999, 2));
}

#[tokio::test(start_paused = true)]
async fn an_event_for_one_consumer_reaches_it_alone_and_only_its_provider_may_send_any() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    let (hud, log) = (consumer(&broker, "hud"), consumer(&broker, "log"));
    hud.subscribe(&event("phase")).unwrap();
    log.subscribe(&event("phase")).unwrap();
    let to = Some(PluginId::new("log").unwrap());
    broker.emit(&plugin("sim"), EmitParams { to, ..emitted("phase", json!(1), false) }).unwrap();
    assert_eq!((events(&hud).len(), events(&log).len()), (0, 1));
    let error = broker.emit(&plugin("intruder"), emitted("phase", json!(1), false)).unwrap_err();
    assert_eq!(reason(&error), ErrorReason::Conflict);
    assert!(error.message.contains("plugin sim"), "{error}");
    assert_eq!(events(&hud).len(), 0);
}

fn question(limit: u64) -> AskParams {
    serde_json::from_str(
        &json!({"service": "flight", "event": "may-start", "to": "guard", "timeoutMs": limit, "default": "allow"})
            .to_string(),
    )
    .unwrap()
}

fn asked(consumer: &Consumer) -> String {
    std::iter::from_fn(|| consumer.take())
        .find_map(|told| match told {
            Told::Event(event) => event.answer,
            Told::Changed(_) => None,
        })
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_by_whom_it_was_put_to_and_else_by_its_default_with_the_reason() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    let nobody = broker.ask(&plugin("sim"), question(1000)).unwrap().await;
    assert_eq!(nobody.value, "allow");
    assert!(nobody.because.unwrap().contains("not subscribed"));
    let (guard, other) = (consumer(&broker, "guard"), consumer(&broker, "other"));
    guard.subscribe(&event("may-start")).unwrap();
    let answer = broker.ask(&plugin("sim"), question(1000)).unwrap();
    let id = asked(&guard);
    other.reply(ReplyParams { answer: id.clone(), result: Some(json!("forged")), error: None });
    guard.reply(ReplyParams { answer: id, result: Some(json!("deny")), error: None });
    let answer = answer.await;
    assert_eq!((answer.value, answer.because), (json!("deny"), None));
    let late = broker.ask(&plugin("sim"), question(1000)).unwrap().await;
    assert!(late.value == "allow" && late.because.unwrap().contains("within 1s"));
    let id = asked(&guard);
    let failed = broker.ask(&plugin("sim"), question(1000)).unwrap();
    let error = Some(RpcError::new(ErrorReason::InternalError, "boom"));
    guard.reply(ReplyParams { answer: id, result: Some(json!("too late")), error: None });
    guard.reply(ReplyParams { answer: asked(&guard), result: None, error });
    assert!(failed.await.because.unwrap().contains("boom"));
    let gone = broker.ask(&plugin("sim"), question(60_000)).unwrap();
    drop(guard);
    let begun = tokio::time::Instant::now();
    assert!(gone.await.because.unwrap().contains("gone"));
    assert_eq!(begun.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn open_calls_are_bounded_for_a_consumer_and_end_when_they_are_dropped() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    let hud = consumer(&broker, "hud");
    let mut open: Vec<Answer> = (0..256).map(|_| hud.call(call("a", None))).collect();
    assert_eq!(broker.status()[0].open_calls, 256);
    assert_eq!(reason(&hud.call(call("a", None)).await.unwrap_err()), ErrorReason::LimitExceeded);
    let other = consumer(&broker, "log").call(call("a", None)).await.unwrap_err();
    assert!(reason(&other) == ErrorReason::LimitExceeded && other.message.contains("flight"), "{other}");
    open.pop();
    let more = hud.call(call("b", None));
    assert_eq!(desk.methods().last().unwrap(), "b");
    drop((open, more));
    assert_eq!(broker.status()[0].open_calls, 0);
}

#[tokio::test(start_paused = true)]
async fn every_open_call_ends_at_once_when_the_provider_goes() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    let hud = consumer(&broker, "hud");
    let open: Vec<Answer> = (0..10).map(|_| hud.call(call("a", None))).collect();
    let begun = tokio::time::Instant::now();
    desk.leave();
    for answer in open {
        assert_eq!(reason(&answer.await.unwrap_err()), ErrorReason::Unavailable);
    }
    assert_eq!(begun.elapsed().as_secs(), 0);
    assert_eq!((broker.status()[0].calls, broker.status()[0].errors), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_bounded_and_twice_is_as_good_as_once() {
    let broker = Broker::default();
    let hud = consumer(&broker, "hud");
    for n in 0..256 {
        hud.subscribe(&event(&format!("e{n}"))).unwrap();
        hud.subscribe(&event(&format!("e{n}"))).unwrap();
    }
    assert_eq!(reason(&hud.subscribe(&event("one-more")).unwrap_err()), ErrorReason::LimitExceeded);
    hud.unsubscribe(&event("e7"));
    hud.subscribe(&event("one-more")).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_consumers_calls_are_bounded_over_all_services_together() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    let weather = ServiceName::new("weather").unwrap();
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    broker.stand(&weather, &plugin("sim"), desk.ready());
    let hud = consumer(&broker, "hud");
    let of_weather = || CallParams { service: weather.clone(), ..call("a", None) };
    let open: Vec<Answer> =
        (0..256).map(|n| hud.call(if n % 2 == 0 { call("a", None) } else { of_weather() })).collect();
    let error = hud.call(of_weather()).await.unwrap_err();
    assert!(reason(&error) == ErrorReason::LimitExceeded && error.message.contains("hud"), "{error}");
    drop(open);
    let _open = hud.call(call("b", None));
    assert_eq!(desk.methods().last().unwrap(), "b");
}

#[tokio::test(start_paused = true)]
async fn what_waits_of_an_event_is_forgotten_with_its_subscription() {
    let (broker, desk) = (Broker::default(), Arc::<Desk>::default());
    broker.stand(&flight(), &plugin("sim"), desk.ready());
    let hud = consumer(&broker, "hud");
    for name in ["phase", "data", "log"] {
        hud.subscribe(&event(name)).unwrap();
        broker.emit(&plugin("sim"), emitted(name, json!(name), name == "data")).unwrap();
    }
    hud.unsubscribe(&event("phase"));
    hud.unsubscribe(&event("data"));
    assert_eq!(events(&hud), [(json!("log"), 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_provider_behind_messages_is_told_calls_and_withdrawals_and_its_end_ends_them() {
    let broker = Broker::default();
    let words = Arc::<Mutex<Vec<Word>>>::default();
    let told = Arc::clone(&words);
    let counter = Counter::open(&broker, flight(), Provider::Application(7), move |word| {
        told.lock().unwrap().push(word);
        true
    });
    let asked = || {
        words.lock().unwrap().drain(..).find_map(|word| match word {
            Word::Call { call, .. } => Some(call),
            _ => None,
        })
    };
    let hud = consumer(&broker, "hud");
    let answer = hud.call(call("a", None));
    let id = asked().unwrap();
    counter.answer(&id, Ok(to_raw_value(&1).unwrap())).unwrap();
    assert!(counter.answer(&id, Ok(to_raw_value(&2).unwrap())).is_err(), "a call was answered twice");
    assert_eq!(answer.await.unwrap().get(), "1");
    assert!(asked().is_none() && words.lock().unwrap().is_empty(), "an answered call was withdrawn");
    drop(hud.call(call("b", None)));
    assert!(words.lock().unwrap().iter().any(|word| matches!(word, Word::Cancelled { .. })));
    let (open, begun) = (hud.call(call("c", None)), tokio::time::Instant::now());
    drop(counter);
    assert_eq!(reason(&open.await.unwrap_err()), ErrorReason::Unavailable);
    assert_eq!(begun.elapsed().as_secs(), 0);
    assert_eq!(reason(&hud.call(call("d", None)).await.unwrap_err()), ErrorReason::NoProvider);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_takes_no_message_is_not_waited_for() {
    let broker = Broker::default();
    let _counter = Counter::open(&broker, flight(), Provider::Application(7), |_| false);
    let begun = tokio::time::Instant::now();
    let error = consumer(&broker, "hud").call(call("a", None)).await.unwrap_err();
    assert_eq!((reason(&error), begun.elapsed().as_secs()), (ErrorReason::LimitExceeded, 0));
}
