//! What flows through the interpreter.

use ndarray::Array4;

use crate::graph::MapShape;

/// A tensor inside the interpreter: axes (t, y, x, c) in standard layout, one t where it is untimed. Channels lie side by
/// side, as the convolution wants them.
pub(super) type Maps = Array4<f64>;

/// `steps` maps of zeros.
pub(super) fn zeros(steps: usize, map: MapShape) -> Maps {
    Maps::zeros((steps, map.h, map.w, map.c))
}

/// The values of one map, index `(y * w + x) * c + channel`; of an untimed tensor the same at every timestep.
pub(super) fn at(maps: &Maps, t: usize) -> &[f64] {
    let (steps, h, w, c) = maps.dim();
    let map = h * w * c;
    let from = if steps == 1 { 0 } else { t * map };
    // All that the operations make is in standard layout.
    maps.as_slice().map_or(&[], |values| &values[from..from + map])
}

/// The values of every map, to be filled in.
pub(super) fn each_mut(maps: &mut Maps) -> impl Iterator<Item = &mut [f64]> {
    let (_, h, w, c) = maps.dim();
    maps.as_slice_mut().into_iter().flat_map(move |values| values.chunks_exact_mut((h * w * c).max(1)))
}
