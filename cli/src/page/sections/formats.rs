//! What the numbers hold, against what their formats could hold.

use maud::{html, Markup};
use spikegate_bitstreams::shell;
use spikegate_compiler::report::Source;
use spikegate_contract::network::{weight_range, Layer};

use crate::page::facts::Facts;
use crate::page::figures::{values, weights, Words};
use crate::page::form::{missing, said, short_percent, source, table, Cell, Section};
use crate::page::watch::Values;

pub fn section(facts: &Facts) -> Section {
    let dir = shell::path(&facts.design.dir);
    let body = html! {
        (all_weights(facts))
        @match &facts.data {
            Some(data) => { (all_values(&data.watched.values, data.watched.image)) }
            None => {
                (missing(
                    "What streams and membranes hold is not known without an image:",
                    &format!("spikegate report {dir} --html FILE --input DATA"),
                ))
            }
        }
        (clamps(facts))
    };
    Section { id: "formats", title: "Number formats", body }
}

fn all_weights(facts: &Facts) -> Markup {
    let net = &facts.design.network;
    html! {
        h3 { "Weights" }
        p {
            "Weights as the design holds them, with the width and the range of each layer "
            (source("the design")) ". Heights are square roots of counts."
        }
        ul class="tiles" {
            @for (at, layer) in net.layers().enumerate() { li { (one(at, &layer)) } }
        }
    }
}

fn one(at: usize, layer: &Layer) -> Markup {
    let (low, high) = weight_range(layer.weight_bits).into_inner();
    let mut counts = vec![0u64; usize::from(high.abs_diff(low)) + 1];
    for &weight in layer.weights {
        counts[usize::from(weight.clamp(low, high).abs_diff(low))] += 1;
    }
    let share = |n: usize| short_percent(n as f64 / layer.weights.len().max(1) as f64);
    let zeros = layer.weights.iter().filter(|&&w| w == 0).count();
    let ends = layer.weights.iter().filter(|&&w| w >= high || w <= -high).count();
    let (least, most) = (layer.weights.iter().min(), layer.weights.iter().max());
    let [least, most] = [least, most].map(|w| w.copied().unwrap_or_default());
    let says = format!(
        "{} bits; {least} to {most}; {} are 0, {} are at ±{high} or beyond",
        layer.weight_bits,
        share(zeros),
        share(ends)
    );
    let (id, title) = (format!("weights-{at}"), format!("Weights of {}", layer.name));
    html! {
        (weights(&Words { id: &id, title: &title, says: &says }, &counts, (low, high)))
        span { (layer.name) }
        span class="quiet" { (says) }
    }
}

fn all_values(all: &[Values], image: usize) -> Markup {
    html! {
        h3 { "Streams and membranes" }
        p {
            "Signed 16-bit values of image " (image) " in the golden model " (source("measured"))
            ". Bars go by size: each holds the values of one more bit, to the left below zero, to the right above. Dashed \
             lines are thresholds. A membrane is what a neuron compares with its threshold."
        }
        details {
            summary { "Histograms of " (all.len()) " tensors" }
            ul class="tiles" {
                @for (at, of) in all.iter().enumerate() { li { (histogram(at, of)) } }
            }
        }
        (headroom(all))
    }
}

fn histogram(at: usize, of: &Values) -> Markup {
    let kind = if of.threshold.is_some() { "membranes of" } else { "stream" };
    let threshold = of.threshold.map_or(String::new(), |t| format!(", threshold {t}"));
    let says = format!("{} to {}{threshold}", of.least, of.most);
    let (id, title) = (format!("values-{at}"), format!("{kind} {}", of.name));
    html! {
        (values(&Words { id: &id, title: &title, says: &says }, of))
        span { (kind) " " (of.name) }
        span class="quiet" { (says) }
    }
}

/// How near the values come to the ends of their format.
fn headroom(all: &[Values]) -> Markup {
    let rows = all.iter().map(|of| {
        let values: u64 = of.bins.iter().sum();
        let zeros = of.bins[of.bins.len() / 2];
        // The ends of 16 bits are not of the same size.
        let reach = (of.most as f64 / 32767.0).max(of.least as f64 / -32768.0);
        vec![
            Cell::head(&of.name),
            Cell::text(of.threshold.map_or("stream".to_owned(), |t| format!("membranes, threshold {t}"))),
            Cell::number(of.least),
            Cell::number(of.most),
            Cell::share(reach),
            Cell::number(short_percent(zeros as f64 / values.max(1) as f64)),
        ]
    });
    table(
        html! { "Least and largest value, and the share of the format's range that they reach " (source("measured")) "." },
        &["tensor", "what", "least", "largest", "of the range", "zeros"],
        rows,
    )
}

fn clamps(facts: &Facts) -> Markup {
    let measured = facts.data.as_ref().map(|data| &data.evaluation);
    let compiled = facts.report.accuracy.as_ref();
    let (rows, images) = match (measured, compiled) {
        (Some(found), _) => {
            let rows = found.clamped.iter().map(|c| (&c.name, &c.kind, c.saturated.n, c.saturated.of));
            (rows.collect::<Vec<_>>(), found.images)
        }
        (None, Some(found)) => {
            let clamped = found.saturated.iter().filter(|s| s.saturated.value > 0);
            let rows = clamped.map(|s| (&s.layer, &s.kind, s.saturated.value, s.of));
            (rows.collect(), found.spike_images)
        }
        (None, None) => return html! {},
    };
    let none = rows.is_empty();
    let rows = rows.into_iter().map(|(name, kind, n, of)| {
        vec![
            Cell::head(name),
            Cell::text(kind),
            Cell::count(n),
            Cell::count(of),
            Cell::number(format!("{:.4} %", 100.0 * n as f64 / of.max(1) as f64)),
        ]
    });
    html! {
        h3 { "Clamped values" }
        @if none {
            p { "No clamp has changed a value in " (images) " images " (said(Source::Measured)) "." }
        } @else {
            (table(
                html! { "Values that a clamp changed, on " (images) " images " (said(Source::Measured)) ". Other clamps changed none." },
                &["tensor", "clamp", "changed", "of", "share"],
                rows,
            ))
        }
    }
}
