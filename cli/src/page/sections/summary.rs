//! The design in a few figures.

use maud::{html, Markup};
use spikegate_compiler::report::{Report, Source};

use crate::page::facts::Facts;
use crate::page::form::{counted, extents, pairs, percent, said};
use crate::ui::grouped;

/// What a reader wants to know first.
pub fn summary(facts: &Facts) -> Markup {
    let report = facts.report;
    let (n, a, used) = (&report.network, &report.array, report.utilisation_inside_all);
    html! {
        p {
            (extents(n.input)) " images, " (n.classes) " classes, " (n.timesteps) " timesteps; "
            (n.weights_text()) ". "
            "An array of " (a.lanes) " time lanes × " (a.ci) " input × " (a.co) " output channels: "
            (grouped(report.lane_ops as u64)) " operations a cycle."
        }
        (pairs([
            ("cycles an image", counted(report.cycles)),
            ("array used", html! { (percent(used.value)) " " (said(used.source)) }),
            ("right classes", right(facts)),
            ("hardware simulated", html! { @if is_simulated(report) { "yes, equal to the model" } @else { "not yet" } }),
            ("bitstreams", html! { @if facts.made.is_empty() { "none" } @else { (facts.made.len()) } }),
        ]))
    }
}

/// Whether the cycles were counted in a simulation; they are kept only if every value compared was equal.
fn is_simulated(report: &Report) -> bool {
    report.layers.iter().any(|l| l.counted.is_some_and(|c| c.source == Source::Simulation))
}

fn right(facts: &Facts) -> Markup {
    let here = facts.data.as_ref().and_then(|data| data.evaluation.top1);
    let before = facts.report.accuracy.as_ref().and_then(|a| Some((a.integer_top1?, a.images)));
    html! {
        @match (here, before) {
            (Some(top1), _) => { (percent(top1.rate())) " of " (grouped(top1.of)) " " (said(Source::Measured)) }
            (None, Some((top1, images))) => { (percent(top1.value)) " of " (grouped(images as u64)) " " (said(top1.source)) }
            (None, None) => { "not measured" }
        }
    }
}
