//! What numbers hold, against what their formats could hold.

use maud::{html, Markup};
use std::fmt::Write;

use super::frame::{drawing, Words};
use crate::page::watch::Values;

/// Pixels of the bars, and of the text below them.
const SIZE: (f64, f64) = (248.0, 56.0);
const BELOW: f64 = 16.0;

/// Weights of a format from `low` to `high`, one bar a value or a few; `counts` has one entry a value.
pub fn weights(words: &Words, counts: &[u64], (low, high): (i8, i8)) -> Markup {
    let each = counts.len().div_ceil(64);
    let bins: Vec<u64> = counts.chunks(each).map(|chunk| chunk.iter().sum()).collect();
    let ends = [format!("−{}", low.unsigned_abs()), "0".to_owned(), high.to_string()];
    drawing(words, "small", (SIZE.0, SIZE.1 + BELOW), chart(&bins, &ends, None))
}

/// Values of 16 bits by size, the threshold as a line.
pub fn values(words: &Words, of: &Values) -> Markup {
    let bin = SIZE.0 / of.bins.len() as f64;
    // A value of n bits lies in bin 15 + n, by its logarithm.
    let threshold = of.threshold.map(|t| (16.0 + f64::from(t.max(1)).log2()) * bin);
    let ends = ["−2¹⁵".to_owned(), "0".to_owned(), "2¹⁵".to_owned()];
    drawing(words, "small", (SIZE.0, SIZE.1 + BELOW), chart(&of.bins, &ends, threshold))
}

/// Bars whose heights are square roots, so that rare values are seen.
fn chart(bins: &[u64], ends: &[String; 3], line: Option<f64>) -> Markup {
    let most = bins.iter().copied().max().unwrap_or_default().max(1) as f64;
    let width = SIZE.0 / bins.len().max(1) as f64;
    let mut path = String::new();
    for (at, &n) in bins.iter().enumerate().filter(|(_, &n)| n > 0) {
        let height = ((n as f64 / most).sqrt() * SIZE.1).max(1.0);
        let (left, w) = (at as f64 * width, width - 0.5);
        // Writing to a string cannot fail.
        let _ = write!(path, "M{left:.1} {:.0}v-{height:.1}h{w:.1}v{height:.1}z", SIZE.1);
    }
    let baseline = SIZE.1 + BELOW - 4.0;
    html! {
        path class="field" d=(format!("M0 0H{}V{}H0z", SIZE.0, SIZE.1)) {}
        path class="ink" d=(path) {}
        @if let Some(x) = line { path class="threshold" d=(format!("M{x:.1} 0V{}", SIZE.1)) {} }
        text x="0" y=(baseline) { (ends[0]) }
        text class="middle" x=(SIZE.0 / 2.0) y=(baseline) { (ends[1]) }
        text class="end" x=(SIZE.0) y=(baseline) { (ends[2]) }
    }
}
