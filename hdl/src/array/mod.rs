//! The spatio-temporal array: slots that hold the maps, columns that add, lanes that finish.

pub mod column;
pub mod fill;
pub mod gather;
pub mod lane;
pub mod operand;
pub mod scatter;
pub mod slot;
