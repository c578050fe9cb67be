//! How often the class is right, and which classes are taken for which.

use maud::{html, Markup};
use spikegate_bitstreams::shell;
use spikegate_compiler::report::{AccuracyReport, Source};
use spikegate_testbench::evaluate::{ClassRow, Classes, Share};

use crate::page::facts::{Data, Facts};
use crate::page::figures::{heat, Words};
use crate::page::form::{missing, percent, said, scale, scrolling, shade, table, Cell, Section};
use crate::page::watch::Grid;
use crate::ui::grouped;

/// Most classes whose confusions are a table of numbers, and most that are a picture.
const IN_NUMBERS: usize = 20;
const IN_A_PICTURE: usize = 128;
/// Confusions that are named.
const NAMED: usize = 12;

pub fn section(facts: &Facts) -> Section {
    let dir = shell::path(&facts.design.dir);
    let body = html! {
        @if let Some(accuracy) = &facts.report.accuracy { (compiled(accuracy)) }
        @match facts.data.as_ref().map(|data| (data, &data.evaluation.classes)) {
            Some((data, Some(classes))) => { (measured(data, classes)) }
            Some((data, None)) => {
                p class="missing" {
                    (grouped(data.evaluation.images as u64)) " images were run, not all of which have labels: no accuracy."
                }
            }
            None => {
                (missing(
                    "Classes that are right and wrong are not known without labelled images:",
                    &format!("spikegate report {dir} --html FILE --input DATA"),
                ))
            }
        }
    };
    Section { id: "accuracy", title: "Accuracy", body }
}

/// What `compile --eval` has measured.
fn compiled(accuracy: &AccuracyReport) -> Markup {
    let rows = [
        ("right, float network", accuracy.float_top1),
        ("right, integer network", accuracy.integer_top1),
        ("same class in both", Some(accuracy.label_agreement)),
    ];
    let rows = rows.into_iter().filter_map(|(what, share)| {
        let share = share?;
        Some(vec![Cell::head(what), Cell::number(percent(share.value)), Cell::text(said(share.source))])
    });
    let spikes = accuracy.spike_agreement.iter().map(|(name, share)| {
        vec![Cell::head(name), Cell::number(percent(share.value)), Cell::text(said(share.source))]
    });
    html! {
        (table(
            html! { "When it was compiled, on " (grouped(accuracy.images as u64)) " images." },
            &["what", "images", "source"],
            rows,
        ))
        @if !accuracy.spike_agreement.is_empty() {
            details {
                summary { "Equal spikes of float and integer network" }
                (table(
                    html! { "Spikes that are equal in both, on " (accuracy.spike_images) " images." },
                    &["neurons", "equal", "source"],
                    spikes,
                ))
            }
        }
    }
}

fn measured(data: &Data, classes: &Classes) -> Markup {
    let found = &data.evaluation;
    let right = classes.right();
    html! {
        p {
            strong { (grouped(right.n)) " of " (grouped(right.of)) " images right, " (percent(right.rate())) }
            @if let Some(five) = found.top5 { "; " (percent(five.rate())) " among the five largest logits" }
            " " (said(Source::Measured)) ", the integer network on "
            (found.images + found.skipped) " of the " (data.about.images) " images of " code { (data.about.path.display()) } "."
            @if found.skipped > 0 { " " (found.skipped) " could not be read and are left out." }
        }
        @let notes = data.about.notes.iter().chain(&data.doubt);
        @if notes.clone().next().is_some() { ul class="quiet" { @for note in notes { li { (note) } } } }
        (confusion(data, classes))
        @if classes.rows.len() > IN_NUMBERS {
            details { summary { "The classes one by one" } (each(data, &classes.rows)) }
        } @else {
            (each(data, &classes.rows))
        }
    }
}

fn each(data: &Data, rows: &[ClassRow]) -> Markup {
    let count = |share: Option<Share>| Cell::count(share.map_or(0, |share| share.of));
    let rate =
        |share: Option<Share>| share.map_or_else(|| Cell::number("-"), |share| Cell::share(share.rate()));
    let rows = rows.iter().map(|row| {
        vec![
            Cell::head(data.class(row.class)),
            count(row.recall),
            rate(row.recall),
            count(row.precision),
            rate(row.precision),
        ]
    });
    table(
        html! { "Classes. Recall is the share of a label's images that get it as their class, precision that of the images \
        given a class that have it as their label " (said(Source::Measured)) "." },
        &["class", "images with the label", "recall", "images given it", "precision"],
        rows,
    )
}

fn confusion(data: &Data, classes: &Classes) -> Markup {
    let count = classes.rows.len();
    html! {
        h3 { "Confusions" }
        @if count <= IN_NUMBERS {
            (matrix(data, classes))
        } @else if count <= IN_A_PICTURE {
            @let most = classes.confusion.iter().flatten().max().copied().unwrap_or_default().max(1) as f64;
            @let cells = classes.confusion.iter().flatten().map(|&n| Some(n as f64 / most)).collect();
            @let says = format!("{count} labels downwards, {count} classes to the right; the diagonal is right.");
            figure {
                (heat(
                    &Words { id: "confusion", title: "Confusion matrix", says: &says },
                    &Grid { width: count, cells },
                    1.0,
                ))
                figcaption { (says) " The most are " (grouped(most as u64)) " images " (said(Source::Measured)) ". " (scale()) }
            }
        }
        (frequent(data, classes))
    }
}

/// All counts, a row a label.
fn matrix(data: &Data, classes: &Classes) -> Markup {
    let caption = html! { "A row for every label, a column for every class given; images " (said(Source::Measured)) "." };
    let table = html! {
        table class="matrix" {
            caption { (caption) }
            thead {
                tr {
                    th scope="col" { "label" }
                    @for row in &classes.rows { th scope="col" { (data.class(row.class)) } }
                }
            }
            tbody {
                @for (row, counts) in classes.rows.iter().zip(&classes.confusion) {
                    tr {
                        th scope="row" { (data.class(row.class)) }
                        @for &n in counts {
                            td class=(format!("n f{}", shade(n as f64 / counts.iter().sum::<u64>().max(1) as f64))) { (n) }
                        }
                    }
                }
            }
        }
    };
    scrolling(&caption, table)
}

/// The pairs that are confused most.
fn frequent(data: &Data, classes: &Classes) -> Markup {
    let rows = classes.confusion.iter().enumerate();
    let pairs =
        rows.flat_map(|(label, row)| row.iter().enumerate().map(move |(class, &n)| (n, label, class)));
    let mut pairs: Vec<(u64, usize, usize)> = pairs.filter(|&(n, a, b)| a != b && n > 0).collect();
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let all = pairs.len();
    pairs.truncate(NAMED);
    let rows = pairs.iter().map(|&(n, label, class)| {
        let of = classes.confusion[label].iter().sum::<u64>().max(1);
        vec![
            Cell::head(data.class(label)),
            Cell::text(data.class(class)),
            Cell::count(n),
            Cell::share(n as f64 / of as f64),
        ]
    });
    html! {
        @if !pairs.is_empty() {
            (table(
                html! { "The most frequent of " (all) " confusions " (said(Source::Measured)) "." },
                &["label", "class given", "images", "of the label"],
                rows,
            ))
        }
    }
}
