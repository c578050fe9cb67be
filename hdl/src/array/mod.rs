//! The spatio-temporal array: slots that hold the maps, columns that add.

pub mod column;
pub mod slot;
