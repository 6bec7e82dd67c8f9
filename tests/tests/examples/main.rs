//! Each example, run as its README says: under the real supervisor, through its HTTP and its command line.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod supervisor;

use serde_json::{Value, json};
use supervisor::Supervisor;

#[test]
fn hello_in_bash_counts_its_starts_and_greets_by_its_setting() {
    let supervisor = Supervisor::run("hello-bash");
    assert_eq!(supervisor.call("greet", &json!("Ada")), json!({"text": "Hello, Ada!", "starts": 1}));
    supervisor.outboard(&["config", "set", "hello-bash", "greeting", "\"Moin\""]).unwrap();
    supervisor.outboard(&["restart", "hello-bash"]).unwrap();
    assert_eq!(supervisor.call("greet", &json!("Ada")), json!({"text": "Moin, Ada!", "starts": 2}));
    assert_eq!(supervisor.get("/api/hello-bash/").0, 404, "it serves no HTTP");
    assert!(supervisor.outboard(&["call", "hello-bash", "nothing-here"]).is_err());
    assert_eq!(supervisor.stop_calmly(), "exited with code 0");
}

#[test]
fn hello_in_c_answers_http_and_its_channel_and_comes_back_after_a_crash() {
    let supervisor = Supervisor::run("hello-c");
    assert_eq!(supervisor.get("/api/hello-c/"), (200, "hello from C, request number 1\n".to_owned()));
    assert_eq!(supervisor.call("status", &Value::Null), json!({"served": 1}));
    supervisor.crash();
    assert_eq!(supervisor.get("/api/hello-c/"), (200, "hello from C, request number 1\n".to_owned()));
    assert_eq!(supervisor.stop_calmly(), "exited with code 0");
}

#[test]
fn the_landing_log_keeps_its_landings_through_a_crash() {
    let supervisor = Supervisor::run("landing-log-py");
    let (status, added) =
        supervisor.post("/api/landing-log-py/landings", &json!({"flight": "QFA1", "rate": -780.5}));
    assert_eq!(status, 201);
    supervisor.crash();
    let (status, listed) = supervisor.get("/api/landing-log-py/landings");
    assert_eq!(status, 200);
    let (added, listed): (Value, Value) =
        (serde_json::from_str(&added).unwrap(), serde_json::from_str(&listed).unwrap());
    assert_eq!(listed, json!([added]));
    assert_eq!(
        supervisor.call("summary", &Value::Null)["hard"],
        json!(1),
        "-600 ft/min is the manifest's default"
    );
    supervisor.outboard(&["config", "set", "landing-log-py", "hard_landing_rate", "--", "-900"]).unwrap();
    assert_eq!(supervisor.call("summary", &Value::Null)["hard"], json!(0));
    assert_eq!(supervisor.stop_calmly(), "exited with code 0");
}

#[test]
fn an_unmodified_server_on_an_inherited_listener_is_proxied_restarted_and_stopped_by_a_signal() {
    let supervisor = Supervisor::run("unmodified-asgi");
    assert_eq!(supervisor.get("/api/unmodified-asgi/").0, 200, "its own path is `/`");
    let (status, body) = supervisor.get("/api/unmodified-asgi/somewhere");
    assert_eq!((status, body.contains("nothing is at /somewhere")), (404, true), "{body}");
    supervisor.crash();
    assert_eq!(supervisor.get("/api/unmodified-asgi/healthz").0, 200);
    // uvicorn raises the signal again once it has shut down.
    assert_eq!(supervisor.stop_calmly(), "was killed by SIGTERM (15)");
    assert!(supervisor.printed("shutting down in good order"));
}

#[test]
fn an_unmodified_server_on_a_port_is_proxied_restarted_and_stopped_by_a_signal() {
    let supervisor = Supervisor::run("unmodified-python");
    let (status, body) = supervisor.get("/api/unmodified-python/a%20b?c=d");
    assert_eq!((status, body.contains("path /a%20b?c=d")), (200, true), "{body}");
    supervisor.crash();
    let (status, after) = supervisor.get("/api/unmodified-python/a%20b?c=d");
    assert_eq!((status, after != body), (200, true), "another port than before: {after}");
    assert_eq!(supervisor.stop_calmly(), "exited with code 0");
    assert!(supervisor.printed("shutting down in good order"));
}

#[test]
fn an_unmodified_server_on_a_path_of_its_own_is_proxied_restarted_and_stopped_by_a_signal() {
    let supervisor = Supervisor::run("unmodified-node");
    let (status, body) = supervisor.get("/api/unmodified-node/a%20b?c=d");
    assert_eq!((status, body.contains(r#""path":"/a%20b?c=d""#)), (200, true), "{body}");
    supervisor.crash();
    assert_eq!(supervisor.get("/api/unmodified-node/").0, 200);
    assert_eq!(supervisor.stop_calmly(), "exited with code 0");
    assert!(supervisor.printed("shutting down in good order"));
}
