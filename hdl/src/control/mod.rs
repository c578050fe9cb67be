//! Control: walkers, delays, drain, sequencer.

pub mod decode;
pub mod delay;
pub mod drain;
pub mod logits;
pub mod patch;
pub mod pixels;
pub mod quarter;
pub mod schedule;
pub mod sequencer;
pub mod skip;
pub mod window;
