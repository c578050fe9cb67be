//! Whether the hardware has been compared with the golden model.

use maud::html;
use spikegate_bitstreams::shell;
use spikegate_compiler::report::Source;

use crate::page::facts::Facts;
use crate::page::form::{missing, said, table, Cell, Section};

pub fn section(facts: &Facts) -> Section {
    let layers = &facts.report.layers;
    let simulated: Vec<_> =
        layers.iter().filter(|l| l.counted.is_some_and(|c| c.source == Source::Simulation)).collect();
    let different: Vec<_> =
        simulated.iter().filter(|l| l.counted.is_some_and(|c| c.value != l.cycles.value)).collect();
    let body = html! {
        @if simulated.is_empty() {
            (missing(
                "The Verilog has not been simulated yet: nothing here says that the hardware computes what the golden \
                 model does. Compare them with",
                &format!("spikegate simulate {} --input DATA --images 10 --trace all", shell::path(&facts.design.dir)),
            ))
        } @else {
            p {
                "The Verilog has run in Verilator, and every value compared was equal to the golden model's: the cycles of "
                (simulated.len()) " instructions were kept, which happens only then " (said(Source::Simulation)) ". "
                @if different.is_empty() {
                    "All of them took exactly the cycles that were predicted."
                } @else {
                    (different.len()) " took other cycles than were predicted:"
                }
            }
            @if !different.is_empty() {
                (table(
                    "Cycles that differ from the prediction. Layers that skip zeros take fewer.",
                    &["layer", "predicted", "counted"],
                    different.iter().map(|l| vec![
                        Cell::head(&l.name),
                        Cell::count(l.cycles.value),
                        Cell::count(l.counted.map_or(0, |c| c.value)),
                    ]),
                ))
            }
            p {
                "The design does not keep which images and tensors were compared; "
                code { "spikegate simulate " (shell::path(&facts.design.dir)) " --input DATA --trace all" }
                " compares every tensor anew."
            }
        }
    };
    Section { id: "check", title: "Golden model and hardware", body }
}
