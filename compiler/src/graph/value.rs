//! The form of a tensor.

/// Extents of one feature map: channels, rows, columns. The index order is `[C, H, W]`, row-major.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct MapShape {
    /// Channels.
    pub c: usize,
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
}

impl MapShape {
    /// A map of one pixel.
    pub fn pixel(c: usize) -> MapShape {
        MapShape { c, h: 1, w: 1 }
    }

    /// Number of values, `c * h * w`, saturating.
    pub fn len(&self) -> usize {
        self.c.saturating_mul(self.h).saturating_mul(self.w)
    }

    /// Whether an extent is zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Display for MapShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}, {}, {}]", self.c, self.h, self.w)
    }
}

/// Form of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// Extents of a map.
    pub map: MapShape,
    /// One map for every timestep; otherwise one for the image.
    pub timed: bool,
}

impl Value {
    /// One map for the image.
    pub fn still(map: MapShape) -> Value {
        Value { map, timed: false }
    }

    /// One map for every timestep.
    pub fn timed(map: MapShape) -> Value {
        Value { map, timed: true }
    }

    /// Number of maps, of `timesteps` timesteps.
    pub fn steps(&self, timesteps: usize) -> usize {
        if self.timed {
            timesteps
        } else {
            1
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", if self.timed { "a timed" } else { "an untimed" }, self.map)
    }
}
