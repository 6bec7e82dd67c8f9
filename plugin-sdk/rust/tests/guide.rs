//! The samples of docs/WRITING-A-PLUGIN.md are those that are compiled and tested here, as `examples/guide.rs`.
#![allow(clippy::unwrap_used)] // a test may end with a panic

#[test]
fn the_guide_shows_the_plugin_that_is_tested() {
    let guide = include_str!("../../../docs/WRITING-A-PLUGIN.md");
    let (_, rust) = guide.split_once("\n## Rust\n").unwrap();
    let (rust, _) = rust.split_once("\n## ").unwrap();
    let blocks: Vec<&str> =
        rust.split("```rust\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let (_, tested) = include_str!("../examples/guide.rs").split_once("panic\n\n").unwrap();
    assert_eq!(blocks.join("\n"), tested, "the guide and plugin-sdk/rust/examples/guide.rs differ");
}

#[test]
fn the_guide_shows_the_provider_and_the_consumer_that_are_tested() {
    let guide = include_str!("../../../docs/WRITING-A-PLUGIN.md");
    let (_, shown) = guide.split_once("<!-- service: rust -->\n```rust\n").unwrap();
    let (shown, _) = shown.split_once("```\n").unwrap();
    let (_, tested) = include_str!("../examples/services.rs").split_once("panic\n\n").unwrap();
    let (tested, _) = tested.split_once("\nfn main()").unwrap();
    assert_eq!(shown, tested, "the guide and plugin-sdk/rust/examples/services.rs differ");
}
