//! The limits: the same work with nothing around it.
//!
//! `bench-limit rpc CALLS AT_ONCE`: two blocking processes, serde_json, pipes. `bench-limit sync FILE SECONDS`: overwrite in place
//! and sync. `bench-limit sync-asked FILE SECONDS`: the same, where one process asks and another one does it.
//! `bench-limit pipes COUNT HZ SECONDS BYTES`: as many bytes into each of so many pipes, so often. Each prints one JSON line.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a figure that cannot be taken ends the run; printing is its purpose"
)]

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["rpc", calls, at_once] => rpc(calls, at_once),
        ["ask", calls, at_once] => ask(calls.parse().unwrap(), at_once.parse().unwrap()),
        ["sync", file, seconds] => {
            let mut slot = Slot::open(file);
            println!("{}", a_second(seconds.parse().unwrap(), || slot.write()));
        }
        ["sync-asked", file, seconds] => sync_asked(file, seconds.parse().unwrap()),
        ["sync-for-asker", file] => sync_for_asker(file),
        ["pipes", count, hz, seconds, bytes] => pipes(
            count.parse().unwrap(),
            hz.parse().unwrap(),
            seconds.parse().unwrap(),
            bytes.parse().unwrap(),
        ),
        _ => panic!(
            "bench-limit rpc CALLS AT_ONCE | sync FILE SECONDS | sync-asked FILE SECONDS | pipes COUNT HZ SECONDS BYTES"
        ),
    }
}

#[derive(Serialize, Deserialize)]
struct Call<'a> {
    jsonrpc: &'a str,
    id: u64,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
struct Key<'a> {
    key: &'a str,
}

#[derive(Serialize, Deserialize)]
struct Answer<'a> {
    jsonrpc: &'a str,
    id: u64,
    #[serde(borrow)]
    result: &'a RawValue,
}

/// The side that answers, as the parent; prints the processor time of both sides a call.
fn rpc(calls: &str, at_once: &str) {
    let mut child = Command::new("/proc/self/exe")
        .args(["ask", calls, at_once])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) =
        (BufReader::with_capacity(1 << 16, child.stdout.take().unwrap()), child.stdin.take().unwrap());
    let store = HashMap::from([(
        "key".to_owned(),
        RawValue::from_string(format!("\"{}\"", "x".repeat(60))).unwrap(),
    )]);
    let (mut line, mut answers) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).unwrap() == 0 {
            break;
        }
        let call: Call<'_> = serde_json::from_slice(&line).unwrap();
        let key: Key<'_> = serde_json::from_str(call.params.get()).unwrap();
        let result = format!("{{\"value\":{},\"found\":true}}", store[key.key]);
        let result = RawValue::from_string(result).unwrap();
        serde_json::to_writer(&mut answers, &Answer { jsonrpc: "2.0", id: call.id, result: &result })
            .unwrap();
        answers.push(b'\n');
        // Everything that is here already is answered in one write.
        if input.buffer().is_empty() {
            output.write_all(&answers).unwrap();
            answers.clear();
        }
    }
    drop(output);
    let mut p50 = String::new();
    child.stderr.take().unwrap().read_to_string(&mut p50).unwrap();
    child.wait().unwrap();
    let cpu = spent(UsageWho::RUSAGE_SELF) + spent(UsageWho::RUSAGE_CHILDREN);
    let calls: f64 = calls.parse().unwrap();
    let p50: Value = serde_json::from_str(&p50).unwrap();
    println!("{}", json!({"cpu_us": cpu.as_secs_f64() * 1e6 / calls, "p50_us": p50}));
}

fn spent(who: UsageWho) -> Duration {
    let usage = getrusage(who).unwrap();
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(micros.unsigned_abs())
}

/// The side that asks, as the child.
fn ask(calls: u64, at_once: u64) {
    let (mut input, mut output) = (BufReader::with_capacity(1 << 16, std::io::stdin()), std::io::stdout());
    let params = serde_json::value::to_raw_value(&Key { key: "key" }).unwrap();
    let (mut line, mut out, mut made) = (Vec::new(), Vec::new(), VecDeque::new());
    let mut times = Vec::with_capacity(usize::try_from(calls).unwrap());
    let (mut next, mut answered) = (0, 0);
    while answered < calls {
        while next < calls && next - answered < at_once {
            let call = Call { jsonrpc: "2.0", id: next, method: "config.get".into(), params: &params };
            serde_json::to_writer(&mut out, &call).unwrap();
            out.push(b'\n');
            made.push_back(Instant::now());
            next += 1;
        }
        output.write_all(&out).unwrap();
        output.flush().unwrap();
        out.clear();
        loop {
            line.clear();
            input.read_until(b'\n', &mut line).unwrap();
            let answer: Answer<'_> = serde_json::from_slice(&line).unwrap();
            assert_eq!(answer.id, answered);
            let value: Value = serde_json::from_str(answer.result.get()).unwrap();
            assert_eq!(value["found"], true);
            times.push(made.pop_front().unwrap().elapsed());
            answered += 1;
            if input.buffer().is_empty() {
                break;
            }
        }
    }
    eprint!("{}", bench::median_us(&mut times));
}

/// A place in a file that is overwritten again and again.
struct Slot {
    file: File,
    writes: u32,
}

impl Slot {
    fn open(file: &str) -> Self {
        let file = File::options().create(true).truncate(false).write(true).open(file).unwrap();
        Self { file, writes: 0 }
    }

    fn write(&mut self) {
        self.file.write_all_at(format!("{:0>100}", self.writes).as_bytes(), 0).unwrap();
        self.file.sync_all().unwrap();
        self.writes += 1;
    }
}

fn a_second(seconds: f64, mut act: impl FnMut()) -> Value {
    let (begun, mut acts) = (Instant::now(), 0u32);
    while begun.elapsed().as_secs_f64() < seconds {
        act();
        acts += 1;
    }
    json!({"a_second": f64::from(acts) / begun.elapsed().as_secs_f64()})
}

/// The side that asks, as the parent: one byte there, one byte back.
fn sync_asked(file: &str, seconds: f64) {
    let mut child = Command::new("/proc/self/exe")
        .args(["sync-for-asker", file])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut ask, mut hear) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let figure = a_second(seconds, || {
        ask.write_all(&[0]).unwrap();
        hear.read_exact(&mut [0]).unwrap();
    });
    drop(ask);
    child.wait().unwrap();
    println!("{figure}");
}

/// The side that overwrites and syncs, until nobody asks any more.
fn sync_for_asker(file: &str) {
    let (mut slot, mut hear, mut answer) =
        (Slot::open(file), std::io::stdin().lock(), std::io::stdout().lock());
    while hear.read_exact(&mut [0]).is_ok() {
        slot.write();
        answer.write_all(&[0]).unwrap();
        answer.flush().unwrap();
    }
}

/// Writes to as many readers, each a process that throws it away; prints the processor time of a write.
fn pipes(count: u32, hz: u32, seconds: u32, bytes: usize) {
    let mut readers: Vec<_> = (0..count)
        .map(|_| Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
        .collect();
    let (message, ticks) = (vec![b'x'; bytes], hz * seconds);
    let (begun, before) = (Instant::now(), spent(UsageWho::RUSAGE_SELF));
    for tick in 0..ticks {
        let due = Duration::from_secs(1) / hz * tick;
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        for reader in &mut readers {
            reader.stdin.as_mut().unwrap().write_all(&message).unwrap();
        }
    }
    let cpu = spent(UsageWho::RUSAGE_SELF) - before;
    for mut reader in readers {
        drop(reader.stdin.take());
        reader.wait().unwrap();
    }
    println!("{}", json!({"cpu_us": cpu.as_secs_f64() * 1e6 / f64::from(ticks * count)}));
}
