//! Control: walkers, sums, beats, drain, sequencer.

pub mod accumulate;
pub mod beat;
pub mod decode;
pub mod drain;
pub mod globals;
pub mod logits;
pub mod patch;
pub mod pixels;
pub mod quarter;
pub mod schedule;
pub mod sequencer;
pub mod skip;
pub mod sum;
pub mod tap;
pub mod window;
