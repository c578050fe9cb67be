//! What goes with a sum from its last word to the beats that finish it.

use crate::lang::*;

bundle! {
    /// Where the results of a sum lie, and where its pixel stands in the layer.
    pub struct Sum, held by SumRegister, delayed by SumDelay {
        /// Word offset of the output in a map with time passes.
        time_offset: u(20),
        /// Word offset of the output in a code map.
        code_offset: u(20),
        /// Output group.
        group: u(10),
        /// Slot row of the group's first channel.
        row: u(6),
        /// Parameters of the group's first channel.
        param: u(16),
        /// The sum is of the first time pass.
        first_time: u(1),
        /// The sum is of the last time pass.
        last_time: u(1),
        /// The pixel is the first of an output group and image.
        first_pixel: u(1),
        /// The sum is the layer's last.
        last_of_layer: u(1),
    }
}
