//! Spikes over neurons and timesteps.

use maud::{html, Markup};
use std::fmt::Write;

use super::frame::{drawing, Words};
use crate::page::watch::Spikes;

/// Pixels between two populations, above the first neuron, and below the last.
const GAP: usize = 10;
const BELOW: usize = 18;
/// Pixels of a neuron.
const ROW: usize = 3;
/// Pixels of a timestep of few, and of many.
const STEP: [usize; 2] = [8, 4];

/// A column for every timestep, population beside population, numbered from 1; a row for every sampled neuron.
pub fn raster(words: &Words, populations: &[Spikes]) -> Markup {
    let rows = populations.iter().map(|p| p.sampled.len()).max().unwrap_or_default();
    let steps = populations.first().map_or(0, |p| p.steps.len());
    let step = STEP[usize::from(steps > 8)];
    // Numbers need room.
    let width = (steps * step).max(2 * STEP[0]);
    let size = (GAP + populations.len() * (width + GAP), GAP + rows * ROW + BELOW);
    let content = html! {
        @for (at, population) in populations.iter().enumerate() {
            @let left = GAP + at * (width + GAP);
            g {
                rect class="field" x=(left) y=(GAP) width=(steps * step) height=(population.sampled.len() * ROW) {
                    title { (population.name) }
                }
                path class="ink" d=(ticks(&population.sampled, left, step)) {}
                text class="middle" x=(left + steps * step / 2) y=(size.1 - 4) { (at + 1) }
            }
        }
    };
    drawing(words, "wide", (size.0 as f64, size.1 as f64), content)
}

/// A tick for every spike.
fn ticks(neurons: &[Vec<bool>], left: usize, step: usize) -> String {
    let mut path = String::new();
    let (w, h) = (step - 1, ROW - 1);
    for (row, fires) in neurons.iter().enumerate() {
        for at in (0..fires.len()).filter(|&at| fires[at]) {
            // Writing to a string cannot fail.
            let _ = write!(path, "M{} {}h{w}v{h}h-{w}z", left + at * step, GAP + row * ROW);
        }
    }
    path
}
