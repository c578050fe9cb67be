//! What a compile writes: load packets ([`program`]) and the files of a design ([`bundle`]).

pub mod bundle;
pub mod program;
