//! Whether a supervisor runs, has gone without cleaning up, and whether the address is free for one.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;

use outboard_gateway::Address;

use super::{Finding, Verdict};
use crate::run::{CONTROL_SOCKET, SupervisorRecord, ports};

pub(super) fn look(runtime_dir: &Path, listen: &Address) -> Vec<Finding> {
    let (supervisor, running) = supervisor(runtime_dir);
    let place = match listen {
        Address::Tcp(listen) => address(*listen, running.as_deref()),
        Address::Unix(path) => socket(path, running.as_deref()),
    };
    vec![supervisor, place]
}

/// The finding, and where a running supervisor listens.
fn supervisor(runtime_dir: &Path) -> (Finding, Option<String>) {
    const WHAT: &str = "supervisor";
    let shown = runtime_dir.display();
    let record = match SupervisorRecord::read(runtime_dir) {
        Ok(record) => record,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return (Finding::new(WHAT, Verdict::Ok, format!("none is running at {shown}")), None);
        }
        Err(error) => {
            return (
                Finding::new(
                    WHAT,
                    Verdict::Degraded,
                    format!("its record at {shown} is unreadable: {error}"),
                ),
                None,
            );
        }
    };
    // A local connect is answered by the kernel at once, or waits for a full queue of a supervisor that is stuck.
    match UnixStream::connect(runtime_dir.join(CONTROL_SOCKET)) {
        Ok(_) => {
            let sentence = format!(
                "version {} runs at {shown}, pid {}, {}",
                record.version,
                record.pid,
                crate::run::shown(&record.listen)
            );
            (Finding::new(WHAT, Verdict::Ok, sentence), Some(record.listen))
        }
        Err(_) => {
            let sentence = format!(
                "the one at {shown} (pid {}) has gone without cleaning up; `outboard run` clears what it left",
                record.pid
            );
            (Finding::new(WHAT, Verdict::Degraded, sentence), None)
        }
    }
}

fn address(listen: SocketAddr, running: Option<&str>) -> Finding {
    const WHAT: &str = "address";
    match ports::take(listen) {
        Ok(_) if !listen.ip().is_loopback() => {
            let sentence = format!(
                "{listen} is free, and reachable by other machines, which need the token or `trust_unknown_peers`"
            );
            Finding::new(WHAT, Verdict::Degraded, sentence)
        }
        Ok(_) => Finding::new(WHAT, Verdict::Ok, format!("{listen} is free")),
        Err(_) if running == Some(listen.to_string().as_str()) => {
            Finding::new(WHAT, Verdict::Ok, format!("{listen} is the running supervisor's"))
        }
        Err(refused) => {
            let (address, besides) = (refused.address, refused.besides(listen));
            let sentence = match refused.error.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "{address} is taken by another program{besides}; end it, or choose another with --listen"
                ),
                _ => format!("{address} cannot be used{besides}: {}", refused.error),
            };
            Finding::new(WHAT, Verdict::Broken, sentence)
        }
    }
}

fn socket(path: &Path, running: Option<&str>) -> Finding {
    const WHAT: &str = "address";
    let shown = format!("unix:{}", path.display());
    if running == Some(shown.as_str()) {
        return Finding::new(WHAT, Verdict::Ok, format!("{shown} is the running supervisor's"));
    }
    let folder = path.parent().unwrap_or(path);
    if !folder.is_dir() {
        let sentence = format!(
            "{shown} cannot be made, because the folder {} does not exist; create it",
            folder.display()
        );
        return Finding::new(WHAT, Verdict::Broken, sentence);
    }
    match UnixStream::connect(path) {
        Ok(_) => {
            let sentence =
                format!("{shown} is served by another program; end it, or choose another with --listen");
            Finding::new(WHAT, Verdict::Broken, sentence)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Finding::new(WHAT, Verdict::Ok, format!("{shown} is free"))
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Finding::new(
            WHAT,
            Verdict::Ok,
            format!("{shown} was left by a program that is gone, and is replaced"),
        ),
        Err(error) => Finding::new(WHAT, Verdict::Broken, format!("{shown} cannot be used: {error}")),
    }
}
