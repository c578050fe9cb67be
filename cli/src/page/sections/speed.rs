//! Cycles: where they go, and what keeps them from being fewer.

use maud::{html, Markup};
use spikegate_bitstreams::board::{Board, Host};
use spikegate_compiler::report::{LayerReport, Report, Source};
use spikegate_contract::network::Layer;

use crate::page::facts::Facts;
use crate::page::figures::{roofline, Mark, Roof, Words};
use crate::page::form::{counted, extents, said, short, short_percent, source, table, Cell, Section};
use crate::ui::grouped;

pub fn section(facts: &Facts) -> Section {
    let body = html! {
        (layers(facts))
        (roofs(facts))
    };
    Section { id: "speed", title: "Layers and cycles", body }
}

fn cycles(layer: &LayerReport) -> u64 {
    layer.counted.unwrap_or(layer.cycles).value
}

fn layer_of<'a>(facts: &Facts<'a>, name: &str) -> Option<Layer<'a>> {
    facts.design.network.layers().find(|layer| layer.name == name)
}

fn layers(facts: &Facts) -> Markup {
    let report = facts.report;
    let layers = report.by_layer();
    let total: u64 = layers.iter().map(cycles).sum();
    let rows = layers.iter().map(|l| {
        let layer = layer_of(facts, &l.name);
        let used = l.dense_ops as f64 / (cycles(l) as f64 * report.lane_ops as f64);
        vec![
            Cell::head(&l.name),
            Cell::text(layer.map_or("–".to_owned(), |l| kind(&l))),
            Cell::number(layer.map_or("–".to_owned(), |l| extents(l.output.shape))),
            Cell::number(layer.map_or("–".to_owned(), |l| grouped(l.weights.len() as u64))),
            Cell::count(l.dense_ops),
            Cell::count(l.cycles.value),
            Cell::number(l.counted.map_or("–".to_owned(), |c| grouped(c.value))),
            Cell::share(cycles(l) as f64 / total.max(1) as f64),
            if cycles(l) == 0 { Cell::number("–") } else { Cell::share(used) },
        ]
    });
    let header = [
        "layer",
        "kind",
        "map",
        "weights",
        "dense operations",
        "cycles, predicted",
        "cycles, counted",
        "of all cycles",
        "array used",
    ];
    let counted_in = report.layers.iter().find_map(|l| l.counted);
    let caption = html! {
        "The instructions of " @if report.batch > 1 { "a batch of " (report.batch) " images" } @else { "an image" }
        " in their order. Operations and predicted cycles: " (said(report.layers.first().map_or(Source::Estimate, |l| l.cycles.source)))
        @if let Some(counted) = counted_in { ", counted cycles: " (said(counted.source)) }
        ". Shares take counted cycles where there are any; dense operations include taps on the zero border, which take no \
         cycle, so that an array can be used by more than 100 %."
    };
    html! {
        p {
            "An image takes " (counted(report.cycles)) " cycles"
            @if let Some(memory) = report.traffic.memory { " (" (memory.name()) ")" }
            ". The array is used to "
            (short_percent(report.utilisation_inside_all.value)) " without the taps on the zero border "
            (said(report.utilisation_inside_all.source)) "."
            @if let (2.., Some(alone)) = (report.batch, report.cycles_alone) {
                " Without the batch it would take " (counted(alone)) "."
            }
        }
        (table(caption, &header, rows))
    }
}

fn kind(layer: &Layer) -> String {
    let stride = if layer.stride > 1 { format!(", stride {}", layer.stride) } else { String::new() };
    if layer.requant.is_empty() {
        return "linear".to_owned();
    }
    format!("{0}×{0}{stride}", layer.k)
}

/// A way that an image's data take, and the time that this needs at least.
struct Way {
    name: String,
    /// What passes it for an image.
    moved: String,
    bytes: Option<f64>,
    /// Most a cycle.
    rate: f64,
    cycles: f64,
    source: &'static str,
}

fn roofs(facts: &Facts) -> Markup {
    let report = facts.report;
    let batch = report.batch.max(1) as f64;
    let operations = report.layers.iter().map(|l| l.inside_ops).sum::<u64>() as f64 / batch;
    let taken = report.cycles.value.max(1) as f64;
    let peak = report.lane_ops as f64;
    let mut ways = Vec::new();
    if let Some((rate, bytes)) = memory(report) {
        let name = format!("memory port, {} bits", report.array.memory_bits);
        let moved = format!("{} bytes", grouped(bytes));
        let cycles = bytes as f64 / rate;
        ways.push(Way { name, moved, bytes: Some(bytes as f64), rate, cycles, source: "estimate" });
    }
    let host = (report.traffic.image.value + report.traffic.result.value) as f64;
    for board in facts.boards {
        let rate = link(board);
        let name = format!("host link of {} at {} MHz", board.id, board.core_mhz);
        let moved = format!("{} bytes", grouped(host as u64));
        ways.push(Way { name, moved, bytes: Some(host), rate, cycles: host / rate, source: "board file" });
    }
    let roofs: Vec<Roof> =
        ways.iter().map(|way| Roof { name: way.name.clone(), bytes_per_cycle: way.rate }).collect();
    let mut marks: Vec<Mark> = layer_marks(facts);
    let whole = |way: &Way| {
        let per_byte = operations / way.bytes?.max(1.0);
        let name = format!("the network, by the {}", way.name);
        Some(Mark { name, per_byte, per_cycle: operations / taken, whole: true })
    };
    // Boards move the same bytes, so one mark stands for all of them.
    let memory_ways = usize::from(memory(report).is_some());
    marks.extend(ways.iter().take(memory_ways + 1).filter_map(whole));
    let array = Way {
        name: "array".to_owned(),
        moved: format!("{} operations", short(operations)),
        bytes: None,
        rate: peak,
        cycles: operations / peak,
        source: "estimate",
    };
    let rows = [array].into_iter().chain(ways).enumerate().map(|(at, way)| {
        vec![
            Cell::head(if at == 0 { way.name } else { format!("{at}. {}", way.name) }),
            Cell::number(way.moved),
            Cell::number(if way.rate.fract() == 0.0 { grouped(way.rate as u64) } else { short(way.rate) }),
            Cell::count(way.cycles.ceil() as u64),
            Cell::share(way.cycles / taken),
            Cell::text(source(way.source)),
        ]
    });
    let caption = html! {
        "What an image asks of each part, and the cycles that it needs for that at least; its cycles are "
        (counted(report.cycles)) ". More than 100 % means that this part sets the pace. Links at the rate of the line, \
         without what protocols take."
    };
    let header = ["part", "an image", "a cycle, at most", "cycles needed", "of its cycles", "source"];
    let says = format!(
        "The array's roof is {} operations a cycle. The network reaches {}. The table below has the numbers.",
        grouped(report.lane_ops as u64),
        short(operations / taken)
    );
    let words = Words { id: "roofline", title: "Roofline: array, memory port and host link", says: &says };
    html! {
        h3 { "What limits it" }
        figure {
            (roofline(&words, peak, &roofs, &marks))
            figcaption {
                "The level line is the array, the slopes are the ways for bytes, numbered as in the table. Diamonds are the \
                 whole network"
                @if marks.iter().any(|m| !m.whole) {
                    ", dots its layers by their share of the weights that the memory port carries"
                }
                ". Operations without taps on the zero border "
                (said(report.utilisation_inside_all.source)) "."
            }
        }
        (table(caption, &header, rows))
    }
}

/// Bytes a cycle of the external memory, and those that an image moves through it; none where nothing does.
fn memory(report: &Report) -> Option<(f64, u64)> {
    let port = report.array.memory_bits / 8;
    let (numerator, denominator) = report.traffic.memory?.interval(port);
    let [written, read] = report.traffic.maps;
    let bytes = report.traffic.weights.value + written.value + read.value;
    Some((port as f64 * denominator as f64 / numerator as f64, bytes))
}

/// The layers by their share of the streamed weights.
fn layer_marks(facts: &Facts) -> Vec<Mark> {
    let report = facts.report;
    let streamed = (report.traffic.weights.value * report.batch) as f64;
    if streamed == 0.0 {
        return Vec::new();
    }
    // Every instruction fetches its own, in a batch too.
    let weights = |l: &LayerReport| layer_of(facts, &l.name).map(|layer| layer.weights.len() as f64);
    let layers = report.by_layer();
    let all: f64 = layers.iter().filter_map(weights).sum();
    let marks = layers.iter().filter(|l| cycles(l) > 0).filter_map(|l| {
        let bytes = streamed * weights(l)? / all;
        let per_cycle = l.inside_ops as f64 / cycles(l) as f64;
        Some(Mark { name: l.name.clone(), per_byte: l.inside_ops as f64 / bytes, per_cycle, whole: false })
    });
    marks.collect()
}

/// Bytes that a board's link carries in a cycle of its core.
fn link(board: &Board) -> f64 {
    let bytes_per_second = match board.host {
        // A byte takes ten bits on the line.
        Host::Uart { baud } => f64::from(baud) / 10.0,
        // 2.5 and 5 GT/s with eight of ten bits, 8 GT/s with 128 of 130.
        Host::Pcie { lanes, generation, .. } => {
            let lane = match generation {
                1 => 250e6,
                2 => 500e6,
                _ => 8e9 * 128.0 / 130.0 / 8.0,
            };
            lane * f64::from(lanes)
        }
    };
    bytes_per_second / (1e6 * board.core_mhz)
}
