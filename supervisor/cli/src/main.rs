//! The plugin host that survives its plugins.
fn main() {}
