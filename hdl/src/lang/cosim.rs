//! Test support: see the crate's tests.
