//! Seeded random integer networks and images for tests. The same seed gives the same values everywhere.
//!
//! A [`Shape`] says what a network of residual blocks looks like; [`network`] fills one with numbers. [`shape`], [`tiny`] and
//! [`large`] draw shapes that cover odd sizes, even attention kernels, both fire rules, both resets, all leaks, gate and
//! weight widths, and stages whose first block may be an identity (then [`network`] decides). [`composed`] is bound to no shape: it
//! composes whatever the contract's operations can be composed to.

mod builder;
mod composed;
mod extreme;
mod image;
mod neurons;
mod prng;
mod residual;
mod shape;
mod typical;

pub use composed::composed;
pub use image::{image, image_of, ImageKind};
pub use prng::Rng;
pub use shape::{cifar18, demo, large, shape, tiny, Shape};

use spikegate_contract::network::Network;

/// A random network of the given shape; it is valid.
///
/// Typical numbers: most populations fire in 5 to 60 % of the timesteps. Extreme numbers lie at the ends of their
/// ranges, so that nearly every clamp clamps; sums still fit 32 bits.
pub fn network(rng: &mut Rng, shape: &Shape) -> Network {
    let mut net = residual::network(rng, shape);
    if shape.own_neurons {
        neurons::own(&mut net, rng);
    }
    filled(net, rng, shape.extreme)
}

fn filled(mut net: Network, rng: &mut Rng, extreme: bool) -> Network {
    if extreme {
        extreme::fill(&mut net, rng);
    } else {
        typical::fill(&mut net, rng);
    }
    net
}
