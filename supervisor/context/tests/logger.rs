//! Logs: what is kept, what is cut, what is lost with a count, and that nothing ever waits.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::fs;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex};

use outboard_context::{Console, Context, ContextOptions, LogOptions, NewRecord};
use outboard_protocol::ErrorReason;
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::{LogRecord, LogSource, LogsParams};
use serde_json::{Value, json};
use support::*;

fn wanted(plugin: &str) -> LogsParams {
    LogsParams { id: Some(id(plugin)), ..LogsParams::default() }
}

fn log(process: &outboard_context::ProcessContext, params: &Value) {
    process.notify("log", Some(&raw(params)));
}

fn line(plugin: &str, message: String) -> NewRecord {
    NewRecord { source: LogSource::Stderr, ..NewRecord::about(&id(plugin), 1, LogLevel::Info, message) }
}

#[tokio::test]
async fn a_record_keeps_level_tag_message_and_extra_and_says_whose_it_is() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let extra = json!({ "name": "TypeError", "message": "x", "stack": "TypeError: x\n  at y" });
    log(&plugin, &json!({ "level": "error", "tag": "Main", "message": "failed", "extra": extra }));
    let records = context.logs.tail(wanted("a")).await.unwrap();
    let LogRecord { level, plugin, generation, source, tag, message, extra: kept, time } = records[0].clone();
    assert_eq!((level, plugin.as_deref(), generation), (LogLevel::Error, Some("a"), 1));
    assert_eq!((source, tag.as_str(), message.as_str()), (LogSource::Logger, "Main", "failed"));
    assert_eq!(kept, Some(extra));
    assert!(time.ends_with('Z') && time.len() == 24, "{time}");
}

#[tokio::test]
async fn nothing_in_a_record_can_forge_a_line_or_move_a_cursor() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let evil = "x\n{\"level\":\"error\",\"plugin\":\"b\"}\r\u{1b}[2J\0\u{9b}31m\u{202e}\u{7f}";
    log(&plugin, &json!({ "level": "info", "tag": evil, "message": evil, "extra": { evil: evil } }));
    let records = context.logs.tail(wanted("a")).await.unwrap();
    assert_eq!(records.len(), 1);
    assert!(!records[0].message.chars().any(char::is_control), "{:?}", records[0].message);
    assert!(records[0].message.starts_with("x\\n{"));
    assert_eq!(records[0].extra.as_ref().unwrap()[evil], evil, "an extra keeps its content");
    let file = fs::read_to_string(dir.path().join("data/logs/a.jsonl")).unwrap();
    assert_eq!(file.lines().count(), 1);
    assert!(!file.trim_end().chars().any(|c| c.is_control() || c == '\u{202e}'), "{file:?}");
}

#[tokio::test]
async fn what_is_too_long_is_cut_with_a_mark() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let long = "ü".repeat(50_000);
    log(&plugin, &json!({ "level": "info", "tag": long, "message": long, "extra": [long] }));
    let record = context.logs.tail(wanted("a")).await.unwrap().remove(0);
    assert!(record.message.len() < 33_000 && record.message.ends_with("… [cut, 100000 bytes in all]"));
    assert!(record.tag.len() < 200, "{}", record.tag.len());
    assert!(record.extra.unwrap()["cut"].as_str().unwrap().contains("bytes in all"));
}

#[tokio::test]
async fn filters_mean_the_same_for_the_file_and_for_what_follows() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let write = |round: u32| {
        log(&plugin, &json!({ "level": "debug", "tag": "t", "message": format!("needle {round}") }));
        log(&plugin, &json!({ "level": "error", "tag": "u", "message": format!("needle {round}") }));
        log(&plugin, &json!({ "level": "error", "tag": "t", "message": "hay" }));
        log(&plugin, &json!({ "level": "error", "tag": "t", "message": format!("needle {round}") }));
        context.logs.record(line("b", format!("needle {round}")));
    };
    write(1);
    let filter = LogsParams {
        level: Some(LogLevel::Info),
        tag: Some("t".to_owned()),
        contains: Some("needle".to_owned()),
        ..wanted("a")
    };
    let (before, after) = context.logs.follow(filter.clone()).await.unwrap();
    assert_eq!(before.iter().map(|record| &*record.message).collect::<Vec<_>>(), ["needle 1"]);
    write(2);
    assert_eq!(soon(after.next()).await.unwrap().message, "needle 2");
    let since = LogsParams { since: Some("2999-01-01T00:00:00Z".to_owned()), ..filter.clone() };
    assert!(context.logs.tail(since).await.unwrap().is_empty());
    let since = LogsParams { since: Some("2001-01-01T00:00:00+02:00".to_owned()), ..filter.clone() };
    assert_eq!(context.logs.tail(since).await.unwrap().len(), 2);
    let since = LogsParams { since: Some("yesterday".to_owned()), ..filter };
    let error = context.logs.tail(since).await.unwrap_err();
    assert_eq!(error.reason(), Some(ErrorReason::InvalidParams));
}

#[tokio::test]
async fn the_latest_of_all_sources_come_in_the_order_of_time() {
    let (_dir, context) = scene();
    for n in 0..30 {
        context.logs.record(line(["a", "b", "c"][n % 3], n.to_string()));
        context.logs.flush().await;
    }
    context.logs.record(NewRecord::supervisor(LogLevel::Warn, "mine".to_owned()));
    let all = context.logs.tail(LogsParams { lines: Some(10), ..LogsParams::default() }).await.unwrap();
    assert_eq!(all.len(), 10);
    assert!(all.is_sorted_by_key(|record| record.time.clone()));
    assert_eq!(all.last().unwrap().plugin, None);
    assert_eq!(context.logs.tail(wanted("c")).await.unwrap().len(), 10);
}

#[tokio::test]
async fn files_are_rotated_capped_and_read_and_followed_across() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let log = LogOptions { file_max: 4096, files: 3, ..LogOptions::default() };
    let context = Context::open(ContextOptions { log, ..options(&data) }).unwrap();
    let follower = context.logs.subscribe(wanted("a")).unwrap();
    for n in 0..200 {
        context.logs.record(line("a", format!("{n:04} {}", "x".repeat(100))));
        context.logs.flush().await;
        assert!(soon(follower.next()).await.unwrap().message.starts_with(&format!("{n:04}")));
    }
    let mut names: Vec<_> = fs::read_dir(data.join("logs"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
        .collect();
    names.sort();
    assert_eq!(
        names.iter().map(|(name, _)| &**name).collect::<Vec<_>>(),
        ["a.jsonl", "a.jsonl.1", "a.jsonl.2"]
    );
    assert!(names.iter().all(|(_, size)| *size <= 4096), "{names:?}");
    let tail = context.logs.tail(LogsParams { lines: Some(30), ..wanted("a") }).await.unwrap();
    assert_eq!(tail.len(), 30, "the present file alone does not hold as many");
    assert!(tail[0].message.starts_with("0170") && tail[29].message.starts_with("0199"));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_told_and_many_files_need_few_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let (dir, context) = scene();
    for n in 0..100 {
        context.logs.record(line(&format!("p{n}"), format!("said {n}")));
    }
    context.logs.flush().await;
    let logs = dir.path().join("data/logs");
    fs::create_dir(logs.join("p7.jsonl.1")).unwrap();
    // The writer keeps some open, and few are left.
    let open = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(open + 4), maximum: before.maximum }).unwrap();
    let all = context.logs.tail(LogsParams { lines: Some(1000), ..LogsParams::default() }).await;
    setrlimit(Resource::Nofile, before).unwrap();
    let all = all.unwrap();
    for n in 0..100 {
        assert!(all.iter().any(|record| record.message == format!("said {n}")), "{n} is missing");
    }
    let last = all.last().unwrap();
    assert!(last.message.contains("p7.jsonl.1") && last.level == LogLevel::Warn, "{last:?}");
}

#[tokio::test]
async fn the_trouble_with_the_logs_is_over_once_they_can_be_written_whoever_says_something() {
    let (dir, context) = scene();
    let place = dir.path().join("data/logs/silent.jsonl");
    fs::create_dir(&place).unwrap();
    context.logs.record(line("silent", "refused".to_owned()));
    context.logs.flush().await;
    assert!(context.troubles.now().iter().any(|trouble| trouble.kind == "log-files"));
    fs::remove_dir(&place).unwrap();
    // Nobody says anything more.
    soon(async {
        while !context.troubles.now().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    let told = context.logs.tail(wanted("silent")).await.unwrap();
    assert!(told.iter().any(|record| record.message.contains("lost 1 log records")), "{told:?}");
}

#[tokio::test]
async fn half_a_line_left_by_a_killed_supervisor_does_not_spoil_the_next() {
    let (dir, context) = scene();
    context.logs.record(line("a", "whole".to_owned()));
    context.close().await;
    let path = dir.path().join("data/logs/a.jsonl");
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"time\":\"20").unwrap();
    let context = open(&dir.path().join("data"));
    context.logs.record(line("a", "after".to_owned()));
    let messages: Vec<_> =
        context.logs.tail(wanted("a")).await.unwrap().into_iter().map(|record| record.message).collect();
    assert_eq!(messages, ["whole", "after"]);
}

#[tokio::test]
async fn levels_are_set_for_one_plugin_at_run_time() {
    let (dir, context) = scene();
    let (a, b) = (process(&context, &dir, "a"), process(&context, &dir, "b"));
    context.logs.set_level(&id("a"), Some(LogLevel::Warn));
    for plugin in [&a, &b] {
        log(plugin, &json!({ "level": "info", "message": "quiet" }));
        log(plugin, &json!({ "level": "warn", "message": "loud" }));
    }
    assert_eq!(context.logs.tail(wanted("a")).await.unwrap().len(), 1);
    assert_eq!(context.logs.tail(wanted("b")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_slow_follower_is_told_how_much_it_lost() {
    let (_dir, context) = scene();
    let follower = context.logs.subscribe(wanted("a")).unwrap();
    for n in 0..3 {
        for m in 0..400 {
            context.logs.record(line("a", format!("{n} {m}")));
        }
        context.logs.flush().await;
    }
    let mut got = 0;
    let told = loop {
        let record = soon(follower.next()).await.unwrap();
        if record.source == LogSource::Supervisor {
            break record.message;
        }
        got += 1;
    };
    assert!(told.contains(&format!("lost {}", 1200 - got)), "{got} came; {told}");
    context.logs.record(line("a", "again".to_owned()));
    assert_eq!(soon(follower.next()).await.unwrap().message, "again");
    context.close().await;
    assert!(soon(follower.next()).await.is_none());
}

/// Whether it was let go, and what it was given since.
type Held = (Mutex<(bool, Vec<u8>)>, Condvar);

/// A console that stands still until it is let go.
#[derive(Clone, Default)]
struct Stuck(Arc<Held>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (state, freed) = &*self.0;
        let mut state = freed.wait_while(state.lock().unwrap(), |state| !state.0).unwrap();
        state.1.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_console_that_stands_still_delays_nothing_and_is_told_what_it_missed() {
    let dir = tempfile::tempdir().unwrap();
    let stuck = Stuck::default();
    let console = Some(Console { out: Box::new(stuck.clone()), level: LogLevel::Info, color: false });
    let log = LogOptions { console, ..LogOptions::default() };
    let context = Context::open(ContextOptions { log, ..options(&dir.path().join("data")) }).unwrap();
    for n in 0..3000 {
        context.logs.record(line("a", format!("{n}\u{1b}[31m")));
        if n % 500 == 0 {
            context.logs.flush().await;
        }
    }
    let tail = context.logs.tail(LogsParams { lines: Some(5000), ..wanted("a") }).await.unwrap();
    assert_eq!(tail.len(), 3000, "the file has everything");
    stuck.0.0.lock().unwrap().0 = true;
    stuck.0.1.notify_all();
    context.close().await;
    let shown = String::from_utf8(stuck.0.0.lock().unwrap().1.clone()).unwrap();
    assert!(shown.contains("lines were not shown"), "{}", &shown[..200]);
    assert!(!shown.contains('\u{1b}'));
    assert!(shown.contains("info  a"), "{}", &shown[..200]);
}

#[tokio::test]
async fn a_flood_is_dropped_with_a_count_and_the_neighbour_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = LogOptions { rate: 0, ..LogOptions::default() };
    let context = Context::open(ContextOptions { log, ..options(&dir.path().join("data")) }).unwrap();
    let heavy = "x".repeat(400);
    for n in 0..20_000 {
        context.logs.record(line("flood", heavy.clone()));
        if n % 200 == 0 {
            context.logs.record(line("calm", n.to_string()));
        }
    }
    let all = LogsParams { lines: Some(10_000), ..LogsParams::default() };
    let calm = context.logs.tail(LogsParams { id: Some(id("calm")), ..all.clone() }).await.unwrap();
    assert_eq!(calm.len(), 100);
    // Every record of the flood is in a file or in a count.
    let (mut kept, mut lost) = (0, 0);
    for file in ["flood.jsonl", "flood.jsonl.1", "flood.jsonl.2", "flood.jsonl.3"] {
        let Ok(text) = fs::read_to_string(dir.path().join("data/logs").join(file)) else { continue };
        for line in text.lines() {
            let record: LogRecord = serde_json::from_str(line).unwrap();
            match record.message.strip_prefix("lost ").and_then(|rest| rest.split(' ').next()) {
                Some(count) => lost += count.parse::<usize>().unwrap(),
                None => kept += 1,
            }
        }
    }
    assert_eq!(kept + lost, 20_000, "{kept} kept, {lost} lost");
}

#[tokio::test]
async fn a_source_over_its_rate_is_dropped_with_a_count_even_when_it_falls_silent() {
    let dir = tempfile::tempdir().unwrap();
    let log = LogOptions { rate: 10, ..LogOptions::default() };
    let context = Context::open(ContextOptions { log, ..options(&dir.path().join("data")) }).unwrap();
    let follower = context.logs.subscribe(wanted("loud")).unwrap();
    for n in 0..500 {
        context.logs.record(line("loud", n.to_string()));
    }
    context.logs.record(line("calm", "heard".to_owned()));
    let (mut kept, mut lost) = (0, 0);
    while kept + lost < 500 {
        let record = soon(follower.next()).await.unwrap();
        match record.message.strip_prefix("lost ").and_then(|rest| rest.split(' ').next()) {
            Some(count) => lost += count.parse::<usize>().unwrap(),
            None => kept += 1,
        }
    }
    assert_eq!(kept + lost, 500);
    assert!(kept >= 20 && lost > 0, "{kept} kept, {lost} lost");
    assert_eq!(context.logs.tail(wanted("calm")).await.unwrap().len(), 1);
}
