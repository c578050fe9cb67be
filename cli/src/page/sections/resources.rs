//! What the design takes of an FPGA.

use maud::{html, Markup};
use spikegate_bitstreams::report::Implementation;
use spikegate_bitstreams::shell;
use spikegate_compiler::report::{Report, ResourceReport, Source};

use crate::page::facts::Facts;
use crate::page::form::{missing, pairs, said, source, table, Cell, Section};

pub fn section(facts: &Facts) -> Section {
    let body = html! {
        (memories(facts.report))
        @if !facts.report.resources.is_empty() { (families(facts.report)) }
        (traffic(facts.report))
        @for made in facts.made { (board(made)) }
        @if facts.made.is_empty() {
            (missing(
                "No bitstream has been made of this design. `spikegate boards` lists the boards; make one with",
                &format!("spikegate synth {} --board BOARD", shell::path(&facts.design.dir)),
            ))
        }
    };
    Section { id: "resources", title: "Resources", body }
}

fn memories(report: &Report) -> Markup {
    let rows = report.memories.iter().map(|m| {
        vec![
            Cell::head(&m.name),
            Cell::count(m.copies as u64),
            Cell::count(m.word_bits as u64),
            Cell::count(m.words as u64),
            Cell::count(m.used.value as u64),
            Cell::share(m.used.value as f64 / m.words.max(1) as f64),
        ]
    });
    let caption = html! { "Memories of the core " (said(Source::Estimate)) "." };
    table(caption, &["memory", "copies", "bits a word", "words", "used", "full"], rows)
}

fn families(report: &Report) -> Markup {
    let rows = report.resources.iter().flat_map(|r| {
        let unknown = r.fmax_mhz.is_empty().then(|| row(report, r, None));
        r.fmax_mhz.iter().map(move |(grade, mhz)| row(report, r, Some((grade, mhz.value)))).chain(unknown)
    });
    let sources = report.resources.iter().map(|r| r.lut.source.to_string());
    let sources: std::collections::BTreeSet<String> = sources.collect();
    let caption = html! {
        "The core alone, without the board's host link, and the images a second that its cycles allow at that clock "
        (source(&sources.into_iter().collect::<Vec<_>>().join(", "))) "."
    };
    let header = ["family", "speed grade", "LUT", "FF", "BRAM 18k", "DSP", "MHz at most", "images/s"];
    table(caption, &header, rows)
}

fn row(report: &Report, r: &ResourceReport, clock: Option<(&String, f64)>) -> Vec<Cell> {
    let images = |mhz: f64| format!("{:.1}", 1e6 * mhz / report.cycles.value.max(1) as f64);
    let mut cells = vec![Cell::head(&r.part), Cell::text(clock.map_or("–", |(grade, _)| grade.as_str()))];
    cells.extend([r.lut, r.ff, r.bram, r.dsp].map(|n| Cell::count(n.value)));
    cells.push(Cell::number(clock.map_or("not known".to_owned(), |(_, mhz)| format!("{mhz:.0}"))));
    cells.push(Cell::number(clock.map_or("–".to_owned(), |(_, mhz)| images(mhz))));
    cells
}

fn traffic(report: &Report) -> Markup {
    let t = &report.traffic;
    let [written, read] = t.maps;
    let rows = [
        ("the image, from the host", t.image),
        ("its result, to the host", t.result),
        ("weights, from the external memory", t.weights),
        ("residual maps, to the external memory", written),
        ("and back from it", read),
    ];
    let rows = rows.into_iter().filter(|(_, bytes)| bytes.value > 0).map(|(what, bytes)| {
        vec![Cell::head(what), Cell::count(bytes.value), Cell::text(said(bytes.source))]
    });
    html! {
        (table("Bytes that an image moves.", &["what", "bytes", "source"], rows))
        @if let Some(memory) = &t.memory {
            p {
                "The cycles hold for an external memory of " (report.array.memory_bits) " bits that answers after "
                (memory.latency) " cycles."
            }
        }
    }
}

fn board(made: &Implementation) -> Markup {
    let rows = made.resources.iter().map(|r| {
        vec![
            Cell::head(&r.what),
            Cell::count(r.used),
            Cell::count(r.available),
            Cell::share(r.percent / 100.0),
            Cell::text(source(&made.source)),
        ]
    });
    html! {
        h3 { "Board " (made.board) }
        (pairs([
            ("part", html! { (made.part) }),
            ("clock", html! { (made.clock_mhz) " MHz, place and route allows " (format!("{:.1}", made.fmax_mhz)) " MHz " (source(&made.source)) }),
            ("seeds tried", html! { (made.seeds.len()) ", the bitstream's is " (made.seed) }),
            ("worst path", html! { (made.worst_path.text()) }),
            ("tools", html! { (made.tools.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ")) }),
            ("loaded into a board", html! { "no" }),
        ]))
        (table(
            html! { "What is used of " (made.part) ", core and host link." },
            &["block", "used", "there are", "share", "source"],
            rows,
        ))
    }
}
