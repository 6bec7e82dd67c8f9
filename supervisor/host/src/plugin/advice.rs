//! What to try where a process never became a plugin, or its server never answers: the mistakes that are made most often with
//! a first one.
//!
//! Asked when the end of a process is recorded, and when a process begins. Knows the manifest, the failure, and what stood on
//! standard output, and changes nothing.

use outboard_lifecycle::{Exit, Failure, Mishap, Stage};
use outboard_protocol::manifest::{HttpListen, Manifest};

use crate::routes::Route;

/// Longest part of a line that is quoted, in characters.
const QUOTED: usize = 160;

/// Lines on standard output that were not messages.
#[derive(Debug, Clone, Default)]
pub(super) struct Noise {
    count: u64,
    first: String,
    /// Whether the first began with a byte order mark, which nobody can see.
    marked: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Noise {
    /// Counts a line, and keeps the beginning of the first.
    pub(super) fn note(&mut self, line: &[u8]) {
        if self.count == 0 {
            self.marked = line.starts_with(BYTE_ORDER_MARK);
            let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
            self.first = String::from_utf8_lossy(line).chars().take(QUOTED).collect();
        }
        self.count = self.count.saturating_add(1);
    }
}

/// What may keep a server from ever answering, by how its manifest says that it gets its socket. That it takes the descriptor is
/// what can be seen least: connections to it succeed all the same.
pub(super) fn on_silence(manifest: &Manifest) -> Option<&'static str> {
    let unaware = !manifest.speaks_the_protocol();
    // One whose health was looked at before it counted as running has accepted a connection.
    let unseen = unaware && manifest.http.health.is_none();
    (unseen && manifest.http.listen == HttpListen::Fd).then_some(
        "its server has to accept connections on descriptor 3, and seems not to; one that listens on an address of its own \
         needs \"http\": {\"listen\": \"port\"} (it takes the port in PORT) or \"path\" (the Unix socket in \
         OUTBOARD_HTTP_SOCKET) in its plugin.json",
    )
}

/// What an author can do about a server that did not come up in time, and was ended: where it listened instead.
pub(super) fn on_the_start(failure: &Failure, route: &Route) -> Option<String> {
    let overdue = matches!((failure.stage, &failure.mishap), (Stage::Start, Mishap::Overdue { .. }));
    overdue.then(|| route.noted()).flatten()
}

/// What an author can do about a process that answered no handshake; none where its end or its last words say more.
pub(super) fn on_the_handshake(failure: &Failure, noise: &Noise) -> Option<String> {
    let habit = match (failure.stage, &failure.mishap) {
        (Stage::Handshake, Mishap::Overdue { .. }) => "flushes what it writes",
        (Stage::Handshake, Mishap::StdioLost | Mishap::Exited(Exit::Code(0))) => {
            "reads standard input until it closes"
        }
        _ => return None,
    };
    let mut advice = format!(
        "it never answered `initialize`: a plugin answers in JSON-RPC on standard output and {habit}; an ordinary \
         server needs \"run\": {{\"protocol\": \"none\"}} in its plugin.json"
    );
    let first = &noise.first;
    match noise.count {
        0 => {}
        1 => advice.push_str(&format!("; 1 line on stdout was not a message: `{first}`")),
        count => {
            advice.push_str(&format!("; {count} lines on stdout were not messages, the first: `{first}`"));
        }
    }
    if noise.marked {
        advice.push_str(", which begins with a byte order mark; only the first line of all may have one");
    }
    Some(advice)
}
