//! Faults of a running plugin, by name. The channel `fault` brings them about: `["exit", 3]`, `["flood-noise", 100000]`.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, raise};
use serde_json::{Value, json};

use crate::family;
use crate::wire::Wire;

static MUTE: AtomicBool = AtomicBool::new(false);

/// Whether pings are left unanswered.
pub(crate) fn mute() -> bool {
    MUTE.load(Ordering::Relaxed)
}

pub(crate) fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// Runs on the main loop: what blocks here blocks the whole conversation.
pub(crate) fn bring_about(wire: &Arc<Wire>, data_dir: &Path, args: &[Value]) {
    let name = args.first().and_then(Value::as_str).unwrap_or_default();
    let number = args.get(1).and_then(Value::as_u64).unwrap_or(1);
    match name {
        "exit" => std::process::exit(i32::try_from(number).unwrap()),
        "abort" => std::process::abort(),
        // Rust's own handler takes the first for a stack overflow, finds none, and steps aside.
        "segv" => (0..2).for_each(|_| raise(Signal::SIGSEGV).unwrap()),
        "kill" => raise(Signal::SIGKILL).unwrap(),
        "freeze" => raise(Signal::SIGSTOP).unwrap(),
        "busy" => loop {
            std::hint::spin_loop();
        },
        "deaf" => sleep_for_ever(),
        // Any signal stops a process that is traced and whose tracer does nothing about it.
        "traced-by-the-host" => {
            nix::sys::ptrace::traceme().unwrap();
            raise(Signal::SIGCHLD).unwrap();
        }
        "traced-by-a-child" => {
            family::start("tracer");
            sleep_for_ever();
        }
        "debug-client" => {
            std::mem::forget(
                std::net::TcpStream::connect(("127.0.0.1", u16::try_from(number).unwrap())).unwrap(),
            );
        }
        "debug-port" => debug_port(args[1].as_u64().unwrap().try_into().unwrap()),
        "mute" => MUTE.store(true, Ordering::Relaxed),
        "close-stdout" => *wire.output() = close_stdout(),
        "last-words" => {
            eprintln!("these are my last words");
            std::process::exit(9);
        }
        // Where the wire has descriptors of its own, this is not the wire.
        "print" => drop(writeln!(std::io::stdout(), "{}", args[1].as_str().unwrap())),
        "half-frame" => {
            wire.raw(br#"{"jsonrpc":"2.0","id":1,"meth"#);
            std::process::exit(9);
        }
        "hold-pipe-and-exit" => {
            family::start("sleeper");
            std::process::exit(9);
        }
        "start-family" => family::start(args[1].as_str().unwrap()),
        "leak-descriptors" => leak_descriptors(number),
        "hog-memory" => hog(number),
        "fill-data" => {
            let ballast = vec![7; usize::try_from(number).unwrap()];
            std::fs::write(data_dir.join("ballast"), ballast).unwrap();
        }
        _ => elsewhere(wire, name, number),
    }
}

/// Floods run in a thread, so that the main loop still hears and answers.
fn elsewhere(wire: &Arc<Wire>, name: &str, number: u64) {
    let (wire, name) = (Arc::clone(wire), name.to_owned());
    std::thread::spawn(move || {
        match name.as_str() {
            "flood-noise" => repeat(number, || wire.raw(b"la la la la la la la la la la la la\n")),
            "flood-logs" => repeat(number, || {
                wire.tell("log", json!({"level": "info", "tag": "flood", "message": "la la la"}));
            }),
            "flood-stderr" => {
                repeat(number, || drop(std::io::stderr().write_all(b"la la la la la la la la la la la\n")));
            }
            "flood-requests" => {
                repeat(number, || {
                    wire.raw(b"{\"jsonrpc\":\"2.0\",\"id\":\"flood\",\"method\":\"config.getAll\"}\n");
                });
            }
            "flood-empty" => repeat(number, || wire.raw(b"{}\n\n\r\n")),
            "huge-frame" => huge_frame(&wire, number),
            "single-bytes" => {
                let line = br#"{"jsonrpc":"2.0","method":"log","params":{"level":"info","tag":"bytes","message":"one by one"}}"#;
                line.iter().chain(b"\n").for_each(|byte| wire.raw(&[*byte]));
            }
            "abuse" => abuse(&wire),
            unknown => panic!("no fault is called {unknown}"),
        }
        // Comes after everything that was written before it, and unlike a log record it is never dropped.
        wire.ask("config.set", json!({"key": "over", "value": name}));
    });
}

fn repeat(times: u64, mut act: impl FnMut()) {
    (0..times).for_each(|_| act());
}

/// Listens as a debugger inside the program does, and keeps whoever comes.
fn debug_port(port: u16) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        let _kept: Vec<_> = listener.incoming().collect();
    });
}

fn close_stdout() -> Box<dyn Write + Send> {
    nix::unistd::close(1).unwrap();
    Box::new(std::io::sink())
}

fn leak_descriptors(number: u64) {
    for _ in 0..number {
        match std::fs::File::open("/dev/null") {
            Ok(file) => std::mem::forget(file),
            Err(error) => {
                eprintln!("no more descriptors: {error}");
                std::process::exit(24);
            }
        }
    }
}

fn hog(megabytes: u64) {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    for _ in 0..megabytes {
        let mut piece = Vec::new();
        if piece.try_reserve_exact(1 << 20).is_err() {
            eprintln!("no more memory");
            std::process::exit(12);
        }
        piece.resize(1 << 20, 1);
        hoard.push(piece);
    }
    std::mem::forget(hoard);
}

fn huge_frame(wire: &Wire, megabytes: u64) {
    let piece = vec![b'x'; 1 << 20];
    let mut output = wire.output();
    let mut write = |bytes: &[u8]| drop(output.write_all(bytes));
    write(br#"{"jsonrpc":"2.0","method":"log","params":{"level":"info","tag":"huge","message":""#);
    (0..megabytes).for_each(|_| write(&piece));
    write(b"\"}}\n");
}

/// Everything that a peer must bear, one after the other.
fn abuse(wire: &Wire) {
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":77,"method":"config.get","params":{}1{}}}"#,
        "[".repeat(9000),
        "]".repeat(9000)
    );
    for line in [
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"config.getAll"}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"config.getAll"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"config.getAll"}"#,
        r#"{"jsonrpc":"2.0","id":999999,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}"#,
        r#"{"jsonrpc":"2.0","id":"x"}"#,
        r#"{"jsonrpc":"2.0","id":3,"method":"config.get","params":{"key":5}}"#,
        r#"{"jsonrpc":"2.0","id":4,"method":"no.such.method","params":{}}"#,
        r#"[{"jsonrpc":"2.0","id":5,"method":"config.getAll"}]"#,
        r#"{"jsonrpc":"2.0","method":"ipc.send","params":{"channel":"plugin:x:y","payload":1}}"#,
        r#"{"jsonrpc":"2.0","method":"log","params":{"level":"shout","message":7}}"#,
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":123456}}"#,
        r#"{"jsonrpc":"2.0","method":"$/progress","params":"nonsense"}"#,
        deep.as_str(),
    ] {
        wire.raw(line.as_bytes());
        wire.raw(b"\n");
    }
    wire.raw(b"{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"message\":\"\xff\xfe\"}}\n");
}
