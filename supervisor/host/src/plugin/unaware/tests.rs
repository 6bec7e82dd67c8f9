//! The server is a listener in this process, the host a pair of hands on the wire.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, ReadHalf, WriteHalf};
use tokio::net::UnixListener;

use super::*;

/// Longer than anything here takes on a loaded machine.
const GUARD: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Remarks(Mutex<Vec<String>>);

impl NoiseSink for Remarks {
    fn line(&self, _line: &[u8]) {}
    fn remark(&self, remark: &str) {
        self.0.lock().unwrap().push(remark.to_owned());
    }
}

struct Wire {
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: WriteHalf<DuplexStream>,
    remarks: Arc<Remarks>,
    terminated: Arc<AtomicBool>,
    _finish: watch::Sender<bool>,
    folder: tempfile::TempDir,
}

impl Wire {
    fn open(health: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (remarks, terminated) = (Arc::<Remarks>::default(), Arc::<AtomicBool>::default());
        let told = Arc::clone(&terminated);
        let unaware = Unaware {
            server: Reach::Socket(folder.path().join("s")),
            health: health.map(str::to_owned),
            terminate: Box::new(move || told.store(true, Ordering::Relaxed)),
            noise: Arc::clone(&remarks) as Arc<dyn NoiseSink>,
        };
        let (near, far) = tokio::io::duplex(WIRE_BUFFER);
        let finish = watch::Sender::new(false);
        tokio::spawn(unaware.speak(far, finish.subscribe()));
        let (reader, writer) = tokio::io::split(near);
        Self { reader: BufReader::new(reader), writer, remarks, terminated, _finish: finish, folder }
    }

    fn bind(&self) -> UnixListener {
        UnixListener::bind(self.folder.path().join("s")).unwrap()
    }

    async fn ask(&mut self, id: u64, method: &str) {
        let mut frame = Vec::new();
        message::write_request(&mut frame, id, method, json!({})).unwrap();
        self.writer.write_all(&frame).await.unwrap();
    }

    #[allow(clippy::disallowed_methods, reason = "the other end is our own code under test")]
    async fn answer(&mut self) -> Value {
        let mut line = String::new();
        timeout(GUARD, self.reader.read_line(&mut line)).await.unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

/// Answers each connection with the status of the moment.
fn serve(listener: UnixListener, status: &'static std::sync::atomic::AtomicU16) {
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let read = client.read(&mut head).await.unwrap_or(0);
            assert!(read == 0 || head.starts_with(b"GET /healthz HTTP/1.1\r\n"));
            let answer = format!("HTTP/1.1 {} Whatever\r\n\r\n", status.load(Ordering::Relaxed));
            let _ = client.write_all(answer.as_bytes()).await;
        }
    });
}

#[tokio::test]
async fn it_says_of_itself_that_it_serves_http_and_speaks_our_version() {
    let mut wire = Wire::open(None);
    wire.ask(1, "initialize").await;
    let answer = wire.answer().await;
    assert_eq!(answer["result"]["features"], json!(["http"]));
    assert_eq!(answer["result"]["protocolVersion"], json!(version::NEWEST));
}

#[tokio::test]
async fn a_start_is_answered_when_the_server_can_be_reached_and_not_before() {
    let mut wire = Wire::open(None);
    wire.ask(1, "start").await;
    wire.ask(2, "ipc.invoke").await;
    // The later call is answered first: the start waits for the socket.
    assert_eq!(wire.answer().await["error"]["code"], json!(-32601));
    let _listener = wire.bind();
    assert_eq!(wire.answer().await, json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
}

#[tokio::test]
async fn a_ping_is_answered_when_the_health_path_says_well_and_stays_unanswered_otherwise() {
    static STATUS: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(204);
    let mut wire = Wire::open(Some("/healthz"));
    serve(wire.bind(), &STATUS);
    wire.ask(1, "ping").await;
    assert_eq!(wire.answer().await["id"], json!(1));
    STATUS.store(503, Ordering::Relaxed);
    wire.ask(2, "ping").await;
    let remarked = async {
        while wire.remarks.0.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(GUARD, remarked).await.unwrap();
    assert_eq!(
        *wire.remarks.0.lock().unwrap(),
        ["the health check failed: GET /healthz was answered with status 503"]
    );
    STATUS.store(301, Ordering::Relaxed);
    wire.ask(3, "ping").await;
    assert_eq!(wire.answer().await["id"], json!(3), "the second ping has no answer");
}

#[tokio::test]
async fn a_health_check_lets_the_server_say_all_that_it_has_to_say() {
    let mut wire = Wire::open(Some("/healthz"));
    let listener = wire.bind();
    let (said, mut told) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        // The rest comes when the ping is answered, and is more than a socket holds.
        tokio::time::sleep(LOOK_EVERY).await;
        said.send(stream.write_all(&[b'x'; 512 * 1024]).await).await.unwrap();
    });
    wire.ask(1, "ping").await;
    assert_eq!(wire.answer().await["id"], json!(1));
    timeout(GUARD, told.recv()).await.unwrap().unwrap().unwrap();
}

#[test]
fn a_check_that_we_could_not_make_is_told_from_a_server_that_takes_no_connection() {
    let unwell = |errno: i32| {
        let error = std::io::Error::from_raw_os_error(errno);
        Unwell::from(NoWay::Unreachable(error)).is_ours()
    };
    use rustix::io::Errno;
    for ours in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::ADDRNOTAVAIL] {
        assert!(unwell(ours.raw_os_error()), "{ours:?}");
    }
    // A full queue is the server's, which accepts nothing any more.
    for theirs in [Errno::AGAIN, Errno::CONNREFUSED, Errno::CONNRESET, Errno::NOENT] {
        assert!(!unwell(theirs.raw_os_error()), "{theirs:?}");
    }
    let excuse = RpcError::new(ErrorReason::InternalError, "short").with(EXCUSED, true);
    assert!(excuses(&excuse) && !excuses(&RpcError::new(ErrorReason::InternalError, "excused")));
}

#[tokio::test]
async fn a_stop_is_a_signal_and_has_the_end_of_the_process_for_an_answer() {
    let mut wire = Wire::open(None);
    wire.ask(1, "stop").await;
    let terminated = async {
        while !wire.terminated.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
    };
    timeout(GUARD, terminated).await.unwrap();
    wire.ask(2, "ipc.invoke").await;
    assert_eq!(wire.answer().await["id"], json!(2), "the stop has no answer");
}

#[test]
fn the_status_is_read_from_the_first_line_of_an_answer() {
    assert_eq!(status(b"HTTP/1.1 200"), Some(200));
    assert_eq!(status(b"HTTP/1.0 503"), Some(503));
    assert_eq!(status(b"SSH-2.0-Open"), None);
    assert_eq!(status(b"HTTP/1.1 2x0"), None);
}
