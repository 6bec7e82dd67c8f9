//! From an admitted request to a plugin's answer, and nothing in between but two sockets.
//!
//! ```text
//!  request ─▶ opening ─▶ pool ─▶ request_head ─▶ exchange ─▶ answer_head ─▶ answer ─▶ client
//!             (place in   (idle    (what is        (both       (what is       (body;
//!              a genera-   or new   left out and    directions  refused)       gives the
//!              tion)       socket)  put in)         at once)                   socket back)
//! ```
//!
//! The whole exchange is polled by the task of the client's connection: no task, channel or lock stands between the two
//! sockets, and a client that goes away takes everything along. The replay rule is in [`forward`], and nowhere else is
//! anything sent twice.

pub(crate) mod answer;
mod answer_head;
mod backend;
mod connection;
mod exchange;
mod failure;
mod forward;
mod interim;
mod opening;
mod pool;
mod prefix;
mod request_head;
mod stream;
mod trace;
mod trailers;
mod trouble;
mod tunnel;
mod upgrade;
mod upload;
mod waiting;

pub(crate) use forward::{Asked, Proxy};
