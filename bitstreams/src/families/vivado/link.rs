//! What a project needs of a board's PCIe side.

use super::series::Series;
use crate::text::Word;

/// The PCIe side of a board.
#[derive(Clone, Debug)]
pub(super) struct Link<'a> {
    pub series: &'a Series,
    pub lanes: u8,
    pub generation: u8,
    pub axi_bits: u32,
    pub device_id: u16,
    pub location: &'a Word,
    pub quad: Option<&'a Word>,
    pub channels: &'a [Word],
}
