//! The contract's check of a network, as one of this crate's errors.

use spikegate_contract::network::Network;
use spikegate_contract::validate::{self, Invalid};

use crate::GoldenError;

/// Checks lengths, shapes and ranges, so that the steps may index freely.
///
/// # Errors
/// [`GoldenError::Invalid`] for the first thing that does not fit, naming the layer.
pub fn validate(net: &Network) -> Result<(), GoldenError> {
    let Err(Invalid { layer, what, got, expected }) = validate::validate(net) else { return Ok(()) };
    Err(GoldenError::Invalid { layer, what, got, expected })
}
