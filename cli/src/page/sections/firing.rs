//! How busy neurons and layers are over all images.

use maud::{html, Markup};
use spikegate_bitstreams::shell;
use spikegate_compiler::report::Source;

use crate::page::facts::{Data, Facts};
use crate::page::form::{missing, said, short, short_percent, source, table, Cell, Section};
use crate::ui::grouped;

pub fn section(facts: &Facts) -> Section {
    let body = match &facts.data {
        Some(data) => html! { (populations(data)) (operations(data)) (energies(data)) },
        None => missing(
            "How often neurons fire is not known without images:",
            &format!("spikegate report {} --html FILE --input DATA", shell::path(&facts.design.dir)),
        ),
    };
    Section { id: "firing", title: "Firing and operations", body }
}

fn populations(data: &Data) -> Markup {
    let found = &data.evaluation;
    let rows = found.populations.iter().enumerate().map(|(at, p)| {
        vec![
            Cell::head(format!("{}. {}", at + 1, p.name)),
            Cell::count(p.neurons as u64),
            Cell::share(p.spikes.rate()),
            Cell::number(of_all(p.dead, p.neurons)),
            Cell::number(of_all(p.always, p.neurons)),
        ]
    });
    let caption = html! {
        "Spikes of all neurons, timesteps and images, of those that there could be. Dead neurons never fired, the last column \
         fired at every timestep of every image. " (grouped(found.images as u64)) " images " (said(Source::Measured)) "."
    };
    table(caption, &["neurons of", "neurons", "firing rate", "dead", "always firing"], rows)
}

fn of_all(n: usize, all: usize) -> String {
    match n {
        0 => "0".to_owned(),
        n => format!("{} ({})", grouped(n as u64), short_percent(n as f64 / all.max(1) as f64)),
    }
}

fn operations(data: &Data) -> Markup {
    let layers = &data.evaluation.layers;
    let total = (layers.iter().map(|l| l.dense).sum::<u64>(), layers.iter().map(|l| l.executed).sum::<f64>());
    let row = |name: &str, reads: &str, dense: u64, executed: f64| {
        vec![
            Cell::head(name),
            Cell::text(reads.to_owned()),
            Cell::count(dense),
            Cell::count(executed.round() as u64),
            Cell::share(executed / dense.max(1) as f64),
        ]
    };
    let rows = layers.iter().map(|l| {
        row(&l.name, if l.spiking { "spikes: adds" } else { "values: multiplies" }, l.dense, l.executed)
    });
    let caption = html! {
        "Operations of an image on average: of all taps within the map, and for spikes alone " (said(Source::Measured))
        ". The array computes all of them unless it was built to skip zeros."
    };
    let header = ["layer", "reads", "all taps", "for spikes alone", "of all"];
    html! {
        h3 { "Operations" }
        (table(caption, &header, rows.chain([row("all layers", "", total.0, total.1)])))
    }
}

fn energies(data: &Data) -> Markup {
    let rows = data.evaluation.energy.iter().map(|e| {
        vec![
            Cell::head(e.model),
            Cell::number(short(e.executed_uj)),
            Cell::number(short(e.dense_uj)),
            Cell::text(html! { span class="long" { (e.source) } }),
        ]
    });
    let caption = html! {
        "Energy of an image by published figures for one operation, in µJ: a comparison of operations, not what an FPGA \
         takes " (source("model")) "."
    };
    table(caption, &["operation", "for spikes alone", "all taps, by multiplication", "figures of"], rows)
}
