//! R output channels of a sum, or one when `narrow`, on their way through the post lanes.

use crate::lang::*;

bundle! {
    /// A beat. What it says counts while `valid` is set.
    pub struct Beat, held by BeatRegister, delayed by BeatDelay {
        /// There is a beat.
        valid: u(1),
        /// Column of every post lane, or only of `lane` when narrow.
        column: u(6),
        /// Post lane when narrow, else 0.
        lane: u(3),
        /// Sweep over the sum.
        sweep: u(4),
        /// Word offset of the output in a map with time passes, of this sweep.
        time_offset: u(20),
        /// Word offset of the output in a code map.
        code_offset: u(20),
        /// Output group.
        group: u(10),
        /// Slot row of the channel.
        row: u(6),
        /// The beat is of the first time pass.
        first_time: u(1),
        /// The beat is of the last time pass.
        last_time: u(1),
        /// The pixel is the first of an output group and image.
        first_pixel: u(1),
    }
}
