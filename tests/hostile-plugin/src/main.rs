//! One plugin with every fault, switched on by its environment.
fn main() {}
