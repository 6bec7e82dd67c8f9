//! Finds plugins, runs each as a process, and talks with it.

pub mod process;
pub mod routes;
