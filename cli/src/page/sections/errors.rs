//! Which layer hurts: each against the float network's, on equal inputs.

use maud::{html, Markup};
use spikegate_bitstreams::shell;
use spikegate_compiler::quantise::Comparison;

use crate::page::facts::Facts;
use crate::page::form::{bar, missing, percent, source, table, Cell, Section};

/// Decibels that fill a bar: an error of a thousandth.
const FULL: f64 = 60.0;

pub fn section(facts: &Facts) -> Section {
    let dir = shell::path(&facts.design.dir);
    let body = match facts.data.as_ref().and_then(|data| data.float.as_ref()) {
        Some(float) => compared(float),
        None => missing(
            "What each layer's integers differ by is not known without the float network:",
            &format!("spikegate report {dir} --html FILE --input DATA --float 32 --model MODEL"),
        ),
    };
    Section { id: "errors", title: "Errors by layer", body }
}

fn compared(float: &Comparison) -> Markup {
    let streams = float.layers.iter().map(|layer| {
        let decibels = layer.decibels();
        let shown = decibels.map_or("no error".to_owned(), |db| format!("{db:.1} dB"));
        vec![
            Cell::head(&layer.name),
            Cell::number(html! { (shown) " " (bar(decibels.unwrap_or(FULL) / FULL)) }),
        ]
    });
    let by_decibels = float.layers.iter().filter_map(|layer| Some((layer.decibels()?, &layer.name)));
    let worst = by_decibels.min_by(|a, b| a.0.total_cmp(&b.0));
    let populations = float.populations.iter().map(|p| {
        let share = |n: u64| n as f64 / p.of.max(1) as f64;
        vec![
            Cell::head(&p.name),
            Cell::number(percent(share(p.equal))),
            Cell::number(percent(share(p.equal_alone))),
            Cell::number(percent(share(p.spikes[0]))),
            Cell::number(percent(share(p.spikes[1]))),
        ]
    });
    html! {
        p {
            "Both networks give the same class to " (float.same_class) " of " (float.images) " images " (source("measured"))
            ". In the first table every layer of the float network reads what the integer network gives it, so that errors \
             of earlier layers do not count."
            @if let Some((decibels, name)) = worst {
                " The largest error is that of " code { (name) } (format!(", {decibels:.1} dB below its signal."))
            }
        }
        (table(
            html! {
                "Signal to error of each stream " (source("measured")) "; a full bar is " (FULL)
                " dB, an error of a thousandth, or more."
            },
            &["stream", "signal to error"],
            streams,
        ))
        (table(
            html! {
                "Spikes equal to the float network's, where it reads the same inputs and where it had the same image alone, and \
                 how many neurons fire " (source("measured")) "."
            },
            &["population", "equal, same inputs", "equal, same image", "fire, integer", "fire, float"],
            populations,
        ))
    }
}
