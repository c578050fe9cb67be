//! What a compile writes: load packets ([`program`]), the files of a design ([`bundle`]) and, if wanted, the hardware
//! as a RustHDL crate ([`rusthdl`]).

pub mod bundle;
pub mod program;
pub mod rusthdl;
