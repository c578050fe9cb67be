//! What a compile writes besides programs: the hardware ([`hardware`]), the files of a design ([`bundle`]) and, if wanted, the
//! hardware as a RustHDL crate ([`rusthdl`]).

pub mod bundle;
pub mod hardware;
pub mod rusthdl;
