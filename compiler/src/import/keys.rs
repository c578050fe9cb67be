//! What the keys of the authors' layout tell.

use super::tensors::Tensors;

pub(super) const TA0: &str = "encoding.TA.sharedMLP.0.weight";
pub(super) const TA2: &str = "encoding.TA.sharedMLP.2.weight";
pub(super) const SCA0: &str = "encoding.SCA.sharedMLP.0.weight";
pub(super) const SCA2: &str = "encoding.SCA.sharedMLP.2.weight";

/// How many numbers in a row follow `prefix` in the keys: `layer1.`, `layer2.`, ... or `layer1.0.`, ...
pub(super) fn numbered(tensors: &Tensors<'_>, prefix: &str) -> usize {
    let present = |n: usize| tensors.has_prefix(&format!("{prefix}{n}."));
    let first = usize::from(prefix == "layer");
    (first..).take_while(|&n| present(n)).count()
}

/// Stages in the file.
pub(super) fn stage_count(tensors: &Tensors<'_>) -> usize {
    numbered(tensors, "layer")
}

/// Side of the stem's kernel, if there is a stem.
pub(super) fn stem_kernel(tensors: &Tensors<'_>) -> Option<usize> {
    tensors.extents("conv1.weight").and_then(|shape| shape.last().copied())
}
