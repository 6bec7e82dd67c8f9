//! What is generated and committed is what the tables and types say now.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::path::Path;

use outboard_generate::documents;

#[test]
fn every_generated_document_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    for document in documents() {
        let present = std::fs::read_to_string(root.join(document.path)).unwrap_or_default();
        assert!(
            document.applied_to(&present).unwrap() == present,
            "{} is stale; run `make schema`",
            document.path
        );
    }
}

#[test]
fn generation_gives_the_same_text_every_time() {
    assert_eq!(documents(), documents());
}
