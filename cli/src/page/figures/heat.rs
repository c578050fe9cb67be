//! Maps in nine shades, and pictures.

use maud::{html, Markup};
use std::fmt::Write;

use super::frame::{drawing, Words};
use crate::page::form::shade;
use crate::page::watch::Grid;

/// A map of values between 0 and `most`; cells without one stay bare.
pub fn heat(words: &Words, grid: &Grid<Option<f64>>, most: f64) -> Markup {
    let shades: Vec<Option<usize>> = grid.cells.iter().map(|v| v.map(|v| shade(v / most))).collect();
    let height = grid.cells.len() / grid.width.max(1);
    let paths = (0..=8).map(|wanted| (wanted, runs(&shades, grid.width, &Some(wanted))));
    let paths: Vec<(usize, String)> = paths.filter(|(_, path)| !path.is_empty()).collect();
    let content = html! {
        @for (shade, path) in paths { path class=(format!("s{shade}")) d=(path) {} }
    };
    drawing(words, "map", (grid.width as f64, height as f64), content)
}

/// A picture in its own colours.
pub fn picture(words: &Words, grid: &Grid<[u8; 3]>) -> Markup {
    let colours: std::collections::BTreeSet<[u8; 3]> = grid.cells.iter().copied().collect();
    let height = grid.cells.len() / grid.width.max(1);
    let content = html! {
        @for colour in colours {
            @let [r, g, b] = colour;
            path fill=(format!("#{r:02x}{g:02x}{b:02x}")) d=(runs(&grid.cells, grid.width, &colour)) {}
        }
    };
    drawing(words, "map", (grid.width as f64, height as f64), content)
}

/// The cells of one kind as a path, those beside each other as one rectangle.
fn runs<T: PartialEq>(cells: &[T], width: usize, kind: &T) -> String {
    let mut path = String::new();
    for (y, row) in cells.chunks(width.max(1)).enumerate() {
        let mut x = 0;
        while x < row.len() {
            let run = row[x..].iter().take_while(|cell| *cell == kind).count();
            if run > 0 {
                // Writing to a string cannot fail.
                let _ = write!(path, "M{x} {y}h{run}v1h-{run}z");
            }
            x += run.max(1);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_rectangle() {
        assert_eq!(runs(&[1, 1, 0, 0, 0, 1], 3, &1), "M0 0h2v1h-2zM2 1h1v1h-1z");
    }
}
