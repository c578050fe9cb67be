//! Runs a compiled design: one small interface to a core, one file per way of reaching it, and the session above.
//!
//! | module | what |
//! | --- | --- |
//! | [`device`] | the trait [`device::Device`]: registers, packets, reset |
//! | [`identity`] | what a core says it is |
//! | [`devices`] | ways of reaching a core |
//! | [`xdma`] | registers and descriptors of the PCIe engine |
//! | [`card`] | a PCIe card in software, to drive without a board |
//! | [`cache`] | the folder of built simulations, this user's alone |
//! | [`conformance`] | what every device must do, as tests to run on one |
//! | `wire` | messages between that card and its driver |
//! | [`session`] | loads a design, sends images, checks and returns results |
//!
//! Nothing here prints, and nothing here knows how the hardware was made: a design, read and checked by the contract, is all it
//! gets, and the text of the Verilog where that is to be simulated.

pub mod cache;
pub mod card;
pub mod conformance;
pub mod device;
pub mod devices;
pub mod identity;
pub mod session;
mod wire;
pub mod xdma;
