//! One image on its way through the network.

use maud::{html, Markup};
use spikegate_bitstreams::shell;

use crate::page::facts::{Data, Facts};
use crate::page::figures::{heat, picture, raster, Words};
use crate::page::form::{bar, extents, missing, percent, scale, short_percent, source, table, Cell, Section};
use crate::page::watch::{GateMaps, Grid, Spikes};
use crate::ui::grouped;

/// Most logits that are listed.
const LOGITS: usize = 20;

pub fn section(facts: &Facts) -> Section {
    let body = match &facts.data {
        Some(data) => html! {
            (seen(data))
            @if let Some(gate) = &data.watched.gate { (gate_maps(gate)) }
            (rasters(&data.watched.populations))
            (maps(&data.watched.populations))
        },
        None => missing(
            "No image has been watched. The first of a data set, or another with --image N:",
            &format!("spikegate report {} --html FILE --input DATA", shell::path(&facts.design.dir)),
        ),
    };
    Section { id: "image", title: "One image", body }
}

/// The image and what it is taken for.
fn seen(data: &Data) -> Markup {
    let watched = &data.watched;
    let (class, logits) = (watched.outcome.class, &watched.outcome.logits);
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(logits[at]), at));
    let (most, least) = (order.first().map_or(0, |&at| logits[at]), order.last().map_or(0, |&at| logits[at]));
    let share = |at: usize| f64::from(logits[at] - least) / f64::from(most - least).max(1.0);
    let rows = order.iter().take(LOGITS).map(|&at| {
        let notes = [(at == class, "class"), (watched.label.map(usize::from) == Some(at), "label")];
        let notes: Vec<&str> = notes.into_iter().filter_map(|(is, note)| is.then_some(note)).collect();
        vec![
            Cell::head(data.class(at)),
            Cell::Number(html! { (logits[at]) " " (bar(share(at))) }),
            Cell::text(notes.join(", ")),
        ]
    });
    let left_out = logits.len().saturating_sub(LOGITS);
    let verdict = match watched.label {
        None => "It has no label.".to_owned(),
        Some(label) if usize::from(label) == class => "That is its label.".to_owned(),
        Some(label) => format!("Its label is {}.", data.class(label.into())),
    };
    let title = format!("Image {}", watched.image);
    html! {
        p {
            "Image " (watched.image) " of " code { (data.about.path.display()) } " is taken for "
            strong { (data.class(class)) } ". " (verdict) " All of this part is one run of the golden model "
            (source("measured")) "."
        }
        div class="beside" {
            figure { (picture(&Words { id: "picture", title: &title, says: "The image itself." }, &watched.picture)) figcaption { (title) } }
            (table(
                html! {
                    "Logits, the largest first"
                    @if left_out > 0 { "; " (left_out) " smaller ones are left out" } "."
                },
                &["class", "logit", "note"],
                rows,
            ))
        }
    }
}

/// The gate over the image.
fn gate_maps(gate: &GateMaps) -> Markup {
    let row = |name: &str, id: &str, grids: &[Grid<Option<f64>>], most: f64| {
        html! {
            tr {
                th scope="row" { (name) }
                @for (t, grid) in grids.iter().enumerate() {
                    td {
                        @let words = (format!("{id}-{t}"), format!("{name}, timestep {}", t + 1));
                        (heat(&Words { id: &words.0, title: &words.1, says: "" }, grid, most))
                        span class="quiet" { (range(grid)) }
                    }
                }
            }
        }
    };
    let most = |grids: &[Grid<Option<f64>>]| {
        grids.iter().flat_map(|g| &g.cells).flatten().fold(1e-9, |a: f64, &b| a.max(b))
    };
    html! {
        h3 { "The encoder's gate" }
        div class="scroll" tabindex="0" role="group" aria-label="maps of the gate" {
            table class="maps" {
                caption {
                    "Maps over the image, one for every timestep. Each row has its own scale, from none to its \
                     most; below each map are its least and largest value. Bare places have no spike to gate. " (scale())
                }
                thead { tr {
                    th scope="col" { "map" }
                    @for t in 1..=gate.before.len() { th scope="col" { "timestep " (t) } }
                } }
                tbody {
                    (row("share of channels that the stem fires", "gate-before", &gate.before, most(&gate.before)))
                    (row("the gate, mean over the channels that fire", "gate-value", &gate.gate, 1.0))
                    @if !gate.after.is_empty() {
                        (row("share of channels that fire behind the gate", "gate-after", &gate.after, most(&gate.after)))
                    }
                    tr {
                        th scope="row" { "temporal attention, in the hardware's sign and scale" }
                        @for value in &gate.temporal { td class="n" { (value) } }
                    }
                }
            }
        }
    }
}

/// Least and largest value of a map.
fn range(grid: &Grid<Option<f64>>) -> String {
    let all = grid.cells.iter().flatten();
    let (least, most) = all.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), &v| (a.min(v), b.max(v)));
    if least > most {
        return "no spike".to_owned();
    }
    format!("{least:.2} to {most:.2}")
}

/// Spikes one by one.
fn rasters(populations: &[Spikes]) -> Markup {
    let rows = populations.iter().enumerate().map(|(at, p)| {
        let (n, of) = p.steps.iter().fold((0, 0), |(n, of), step| (n + step.n, of + step.of));
        let steps: Vec<String> = p.steps.iter().map(|step| short_percent(step.rate())).collect();
        vec![
            Cell::head(format!("{}. {}", at + 1, p.name)),
            Cell::number(extents(p.shape)),
            Cell::number(grouped(p.sampled.len() as u64)),
            Cell::count(n),
            Cell::number(percent(n as f64 / of.max(1) as f64)),
            Cell::text(steps.join(", ")),
        ]
    });
    let says = "A tick is a spike, a row a neuron, a column a timestep; the populations stand beside each other, numbered as \
                in the table below, whose rates are the same in numbers.";
    html! {
        h3 { "Spikes" }
        figure {
            div class="scroll" tabindex="0" role="group" aria-label="raster" {
                (raster(&Words { id: "raster", title: "Spike raster", says }, populations))
            }
            figcaption { (says) " Of large populations some neurons are drawn, evenly spread." }
        }
        (table(
            html! { "Spikes of this image " (source("measured")) "." },
            &["neurons of", "map", "drawn", "spikes", "rate", "rate by timestep"],
            rows,
        ))
    }
}

/// Where in the image neurons fire.
fn maps(populations: &[Spikes]) -> Markup {
    html! {
        details {
            summary { "Where neurons fire, a map for each population" }
            p class="quiet" { "Shares of channels and timesteps, each map on its own scale. " (scale()) }
            ul class="tiles" {
                @for (at, p) in populations.iter().enumerate() {
                    @let most = p.map.cells.iter().flatten().fold(1e-9, |a: f64, &b| a.max(b));
                    @let (id, title) = (format!("fires-{at}"), format!("Where {} fires", p.name));
                    li {
                        (heat(&Words { id: &id, title: &title, says: "" }, &p.map, most))
                        span { (at + 1) ". " (p.name) }
                        span class="quiet" { "at most " (short_percent(most)) " of channels and timesteps" }
                    }
                }
            }
        }
    }
}
