//! Drawings in SVG. Each says in words what it shows; colours come from the page's style, so that they follow its theme.

mod frame;
mod graph;
mod heat;
mod histogram;
mod raster;
mod roofline;

pub use frame::Words;
pub use graph::graph;
pub use heat::{heat, picture};
pub use histogram::{values, weights};
pub use raster::raster;
pub use roofline::{roofline, Mark, Roof};
