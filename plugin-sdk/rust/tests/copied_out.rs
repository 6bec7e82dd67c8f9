//! The Rust examples as the start of somebody's own plugin: copied out of the checkout, with the SDK's place named.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the examples name the SDK.
const HERE: &str = "../../plugin-sdk/rust";

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn cargo(folder: &Path, words: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).args(words).arg("--offline").current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn an_example_is_a_package_wherever_it_is_copied_to() {
    for name in ["hello-rust", "counter-rust"] {
        let temporary = tempfile::tempdir().unwrap();
        let (example, copy) = (checkout().join("examples").join(name), temporary.path().join("mine"));
        std::fs::create_dir_all(copy.join("src")).unwrap();
        std::fs::copy(example.join("src/main.rs"), copy.join("src/main.rs")).unwrap();
        let manifest = std::fs::read_to_string(example.join("Cargo.toml")).unwrap();
        std::fs::write(copy.join("Cargo.toml"), &manifest).unwrap();
        cargo(&copy, &["metadata", "--no-deps", "--format-version", "1"]);

        assert!(manifest.contains(HERE), "{name} names the SDK elsewhere");
        let sdk = checkout().join("plugin-sdk/rust");
        std::fs::write(copy.join("Cargo.toml"), manifest.replace(HERE, sdk.to_str().unwrap())).unwrap();
        // The versions of the checkout, which are there without a network.
        std::fs::copy(checkout().join("Cargo.lock"), copy.join("Cargo.lock")).unwrap();
        // One version of axum, which is the SDK's; two would be an error here.
        let users = cargo(&copy, &["tree", "--invert", "axum", "--depth", "1"]);
        assert!(users.contains("outboard-plugin"), "{users}");
    }
}
