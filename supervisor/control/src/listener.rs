//! The control socket: made so that only its user can reach it, and an accept loop that never stops by itself.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonrpsee::server::HttpBody;
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tower::Service as _;

use super::{CONNECTIONS, Credential, Service, access};

/// How long a connection may take to send a request's head, and be idle between two.
const HEAD_WAIT: Duration = Duration::from_secs(10);
/// Largest head: a request line, a credential, and what HTTP libraries add.
const HEAD_MAX: usize = 16 * 1024;
/// After a failed accept, which is most often a lack of descriptors: others have to close some first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long one who is turned away may take to read it.
const TURN_AWAY: Duration = Duration::from_secs(1);
/// Longest path of a socket that the kernel takes, in bytes.
const PATH_MAX: usize = 107;
/// Only its user connects.
const MODE: u32 = 0o600;

/// What somebody is told for whom there is no room.
const NO_ROOM: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody answers there.
    #[error("another supervisor serves {}; stop it, or choose another folder with --runtime-dir", .0.display())]
    InUse(PathBuf),
    /// The kernel takes no path of this length.
    #[error("the path {} has {} bytes, and a socket's has at most {PATH_MAX}; choose a shorter folder with --runtime-dir", .0.display(), .0.as_os_str().len())]
    TooLong(PathBuf),
    /// The system refused.
    #[error("cannot make the control socket {}", path.display())]
    Refused {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Makes the socket, in place of one that a supervisor left which is no more. The folder must be its user's alone, and the
/// caller must hold whatever keeps a second supervisor out of it.
///
/// # Errors
/// [`BindError`].
pub fn bind(path: &Path) -> Result<StdListener, BindError> {
    if path.as_os_str().len() > PATH_MAX {
        return Err(BindError::TooLong(path.to_owned()));
    }
    if StdStream::connect(path).is_ok() {
        return Err(BindError::InUse(path.to_owned()));
    }
    let refused = |source| BindError::Refused { path: path.to_owned(), source };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused(error)),
        _ => {}
    }
    let socket = StdListener::bind(path).map_err(refused)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE)).map_err(refused)?;
    socket.set_nonblocking(true).map_err(refused)?;
    Ok(socket)
}

/// Accepts until told to stop, then lets the connections end. A socket that comes takes the place of the one before.
pub(super) async fn accept(
    mut socket: UnixListener,
    mut renewed: mpsc::Receiver<UnixListener>,
    service: Service,
    credential: Credential,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS as usize));
    let mut connections = JoinSet::new();
    let stopped = service.stop.clone().shutdown();
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            () = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            Some(renewed) = renewed.recv() => socket = renewed,
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) if is_ours(&stream) => match Arc::clone(&room).try_acquire_owned() {
                    Ok(place) => {
                        let (service, credential) = (service.clone(), credential.clone());
                        connections.spawn(async move {
                            serve(stream, service, credential).await;
                            drop(place);
                        });
                    }
                    Err(_) => turn_away(stream).await,
                },
                Ok(_) => tracing::warn!("somebody of another user connected to the control socket and was refused"),
                Err(error) => {
                    tracing::warn!(%error, "a control connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    while connections.join_next().await.is_some() {}
}

/// Whether the peer is our user, or root. The socket's mode says the same; the kernel's word does not depend on a chmod.
fn is_ours(stream: &UnixStream) -> bool {
    let me = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == me || peer.uid() == 0)
}

async fn turn_away(mut stream: UnixStream) {
    // Whoever does not read it in time sees the connection close, which says the same.
    let _ = tokio::time::timeout(TURN_AWAY, stream.write_all(NO_ROOM)).await;
}

async fn serve(stream: UnixStream, service: Service, credential: Credential) {
    let stopped = service.stop.clone().shutdown();
    let answer = service_fn(move |request| answer(request, service.clone(), credential.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    tokio::pin!(connection, stopped);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = &mut stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a control connection ended early");
    }
}

async fn answer(
    request: Request<Incoming>,
    service: Service,
    credential: Credential,
) -> Result<Response<HttpBody>, Infallible> {
    if let Err((status, why)) = access::check(request.headers(), &credential) {
        return Ok(refusal(status, why));
    }
    let mut rpc = service.builder.build(service.methods, service.stop);
    Ok(rpc.call(request).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "a control request could not be answered");
        refusal(StatusCode::BAD_REQUEST, "the request could not be read")
    }))
}

fn refusal(status: StatusCode, why: &'static str) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::from(format!("{why}\n")));
    *response.status_mut() = status;
    response
}
