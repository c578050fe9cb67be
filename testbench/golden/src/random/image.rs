//! Random images.

use super::Rng;

/// What a random image looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// Every pixel from 0 to 255 alike.
    Uniform,
    /// A bright rectangle on a dark, slightly noisy ground: neighbouring pixels are alike.
    Smooth,
    /// All 0.
    Black,
    /// All 255.
    White,
    /// One pixel in sixteen lit, the rest 0.
    Sparse,
}

impl ImageKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Uniform, Self::Smooth, Self::Black, Self::White, Self::Sparse];
}

/// A random image of a random kind: pixels u8 in (c, y, x) order.
pub fn image(rng: &mut Rng, shape: [usize; 3]) -> Vec<u8> {
    let kind = rng.pick(&ImageKind::ALL);
    image_of(rng, shape, kind)
}

/// A random image of the given kind.
pub fn image_of(rng: &mut Rng, [c, h, w]: [usize; 3], kind: ImageKind) -> Vec<u8> {
    let mut span = |n: usize| {
        let low = rng.size(0, n.saturating_sub(1));
        low..=rng.size(low, n)
    };
    let (rows, columns) = (span(h), span(w));
    let mut pixel = |y: usize, x: usize| match kind {
        ImageKind::Uniform => rng.range(0, 255),
        ImageKind::Smooth if rows.contains(&y) && columns.contains(&x) => rng.range(180, 240),
        ImageKind::Smooth => rng.range(0, 40),
        ImageKind::Black => 0,
        ImageKind::White => 255,
        ImageKind::Sparse if rng.chance(1, 16) => rng.range(1, 255),
        ImageKind::Sparse => 0,
    };
    let mut out = Vec::with_capacity(c * h * w);
    for _ in 0..c {
        for y in 0..h {
            for x in 0..w {
                out.push(pixel(y, x) as u8);
            }
        }
    }
    out
}
