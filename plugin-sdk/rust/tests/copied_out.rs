//! The Rust examples as the start of somebody's own plugin: copied out of the checkout, with the SDK's place named.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::os::unix::fs::PermissionsExt;
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

/// The lines of the example's page, which begin with `$`.
fn lines_of_the_page() -> String {
    let page = std::fs::read_to_string(checkout().join("examples/hello-rust/README.md")).unwrap();
    let (_, own) = page.split_once("## A plugin of your own from it").unwrap();
    own.lines().filter_map(|line| line.strip_prefix("$ ")).collect::<Vec<_>>().join("\n")
}

/// A program of this name that does these words of a shell.
fn stand_in(folder: &Path, name: &str, words: &str) {
    let program = folder.join(name);
    std::fs::write(&program, format!("#!/bin/sh\nset -eu\n{words}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_lines_of_the_page_make_a_plugin_in_a_folder_of_plugins() {
    let temporary = tempfile::tempdir().unwrap();
    let (home, programs) = (temporary.path().join("home"), temporary.path().join("programs"));
    std::fs::create_dir(&home).unwrap();
    std::fs::create_dir(&programs).unwrap();
    std::fs::write(home.join("private"), "of the user's").unwrap();
    // A build takes minutes, and is that of the example: here it is enough that Cargo finds the package and all that it names.
    let build = format!(
        "cp {}/Cargo.lock .; {} metadata --offline --format-version 1 > metadata.json; mkdir -p target/release; touch target/release/my-plugin",
        checkout().display(),
        env!("CARGO")
    );
    stand_in(&programs, "cargo", &build);
    stand_in(&programs, "outboard", r#"echo "$@" >> "$HOME/outboard.log""#);
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-euc", &lines_of_the_page()])
        .current_dir(checkout())
        .env("PATH", path)
        .env("CARGO_HOME", cargo_home())
        .env("HOME", &home)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let plugins = home.join("plugins");
    let done = std::fs::read_to_string(home.join("outboard.log")).unwrap();
    assert_eq!(done, format!("check .\nrun --plugins {}\n", plugins.display()));
    let inside: Vec<_> =
        std::fs::read_dir(&plugins).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(inside, ["my-plugin"]);
    let plugin = plugins.join("my-plugin");
    let metadata = std::fs::read_to_string(plugin.join("metadata.json")).unwrap();
    let sdk = checkout().join("plugin-sdk/rust/Cargo.toml");
    assert!(metadata.contains(sdk.to_str().unwrap()) && metadata.contains(r#""name":"my-plugin""#));
    let manifest = std::fs::read_to_string(plugin.join("plugin.json")).unwrap();
    assert!(manifest.contains("my-plugin") && !manifest.contains("hello-rust"), "{manifest}");
}

/// Where Cargo keeps what it has fetched, whatever the home folder.
fn cargo_home() -> PathBuf {
    let usual = || PathBuf::from(std::env::var("HOME").unwrap()).join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(usual, PathBuf::from)
}
