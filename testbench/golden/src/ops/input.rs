//! The image as codes.

use spikegate_contract::tensor::Tensor;

use crate::GoldenError;

/// `code[c,y,x] = pixel[c,y,x] - offset[c]`.
///
/// # Errors
/// Another number of pixels than the network takes.
pub(super) fn run(offset: &[u8], pixels: &[u8], out: &mut Tensor) -> Result<(), GoldenError> {
    if pixels.len() != out.data.len() {
        return Err(GoldenError::Pixels { got: pixels.len(), expected: out.data.len() });
    }
    for (at, &pixel) in pixels.iter().enumerate() {
        let [_, c, _, _] = out.coordinates(at);
        out.data[at] = i64::from(pixel) - i64::from(offset[c]);
    }
    Ok(())
}
