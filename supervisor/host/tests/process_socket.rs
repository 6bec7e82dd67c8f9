//! The socket of one generation: closed to others, of bearable length, and gone when it is over.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use outboard_host::process::socket::{self, BindError};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_socket_and_its_folder_are_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let (_listener, file) = socket::bind(&run, "a").unwrap();
    assert_eq!((mode(&run), mode(file.path())), (0o700, 0o600));
    UnixStream::connect(file.path()).unwrap();
}

#[test]
fn a_removed_socket_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let (_listener, file) = socket::bind(&run, "a").unwrap();
    let path = file.path().to_owned();
    file.remove();
    assert!(!path.exists());
    let (_listener, file) = socket::bind(&run, "a").unwrap();
    drop(file);
    assert!(!path.exists());
}

#[test]
fn a_file_that_a_killed_supervisor_left_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let (listener, file) = socket::bind(&run, "a").unwrap();
    std::mem::forget(file);
    drop(listener);
    let (_listener, file) = socket::bind(&run, "a").unwrap();
    UnixStream::connect(file.path()).unwrap();
}

#[test]
fn a_path_that_is_too_long_is_refused_with_its_length_and_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("x".repeat(120));
    let error = socket::bind(&long, "a").unwrap_err();
    assert!(matches!(&error, BindError::TooLong { length, .. } if *length > 108));
    assert!(error.to_string().contains("the system takes 107"), "{error}");
    assert!(!long.exists(), "refused before anything is made");
}

#[test]
fn a_path_of_exactly_the_limit_works() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let slot = "s".repeat(107 - run.as_os_str().len() - 1);
    let (_listener, file) = socket::bind(&run, &slot).unwrap();
    assert_eq!(file.path().as_os_str().len(), 107);
    UnixStream::connect(file.path()).unwrap();
}

#[test]
fn a_folder_that_others_can_enter_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = socket::bind(folder.path(), "a").unwrap_err();
    assert!(matches!(error, BindError::OpenToOthers { mode: 0o755, .. }), "{error}");
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

#[test]
fn a_place_for_a_program_to_bind_is_free_and_in_a_closed_folder() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let (_listener, file) = socket::bind(&folder, "a").unwrap();
    assert_eq!(socket::place(&folder, "a").unwrap(), file.path());
    assert!(!file.path().exists(), "what stood there would refuse the program");
    assert_eq!(mode(&folder), 0o700);
}
