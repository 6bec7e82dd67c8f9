//! The smallest complete plugin in Rust.
fn main() {}
