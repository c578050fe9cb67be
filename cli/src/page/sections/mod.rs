//! The parts of the page in their order.

mod accuracy;
mod check;
mod errors;
mod firing;
mod formats;
mod image;
mod network;
mod resources;
mod speed;
mod summary;

use super::facts::Facts;
use super::form::Section;
pub use summary::summary;

/// All parts. Those for which nothing is known say how to get it.
pub fn sections(facts: &Facts) -> Vec<Section> {
    vec![
        network::section(facts),
        speed::section(facts),
        check::section(facts),
        accuracy::section(facts),
        errors::section(facts),
        firing::section(facts),
        image::section(facts),
        formats::section(facts),
        resources::section(facts),
    ]
}
