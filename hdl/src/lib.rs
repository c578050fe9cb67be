#![doc = include_str!("../README.md")]

// The ports of a module are documented in its port table, once.
#![allow(missing_docs)]

pub mod array;
pub mod bus;
pub mod control;
pub mod datapath;
pub mod encoder;
pub mod lang;
pub mod post;
pub mod top;
