//! Write an Outboard plugin in Rust.
