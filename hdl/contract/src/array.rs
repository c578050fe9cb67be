//! Size and memory depths of one generated accelerator; its latencies are in [`crate::timing`].
//!
//! A spike word holds `lanes` bits: `lanes` timesteps of one channel at one pixel, or `lanes` bit planes of one
//! multi-bit value. Channel c lives in slot `c % ci`, channel group `c / ci`.

mod config;
mod external;

pub use config::{ArrayConfig, ArrayError, PACKED_BITS, SKIP_QUEUE};
pub use external::{
    Moved, MAX_MEMORY_LATENCY, MEMORY_LATENCY, MEMORY_REQUESTS, MOVE_BUFFER, MOVE_BURST, MOVE_BURSTS,
};

pub(crate) use config::{is_one, one};
