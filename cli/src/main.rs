//! The `spikegate` command line.
fn main() {}
