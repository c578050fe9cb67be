//! A constants file for a model that has none: what its tensors tell, and for the rest what is usual, to be checked.

use super::keys::{stage_count, TA2};
use super::tensors::Tensors;
use std::fmt::Write;

/// A whole TOML file.
pub(super) fn toml(tensors: &Tensors<'_>) -> String {
    let extent = |key: &str, at: usize| tensors.extents(key).and_then(|shape| shape.get(at).copied());
    let channels = extent("conv1.weight", 1).filter(|&c| c > 0 && c <= 4).unwrap_or(3);
    let kernel = extent("conv1.weight", 3).unwrap_or(3);
    let stages = stage_count(tensors).clamp(1, 8);
    let encoder = tensors.has_prefix("encoding.");
    let jelly = tensors.is_spikingjelly();
    // Three stages behind a small stem are max_resnet18's.
    let pools = jelly && stages == 3 && kernel == 3;
    let imagenet = tensors.is_imagenet() || kernel == 7;
    let (leak, threshold) = if imagenet || jelly && !pools { (0.25, 0.5) } else { (0.5, 1.0) };
    let size = if imagenet {
        224
    } else if channels == 1 {
        28
    } else {
        32
    };
    let strided = imagenet || jelly && !pools;
    let strides: Vec<usize> =
        (0..stages).map(|n| if n == 0 && !strided && stages > 2 { 1 } else { 2 }).collect();
    let (mean, std) = match (channels, imagenet) {
        (3, true) => (vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225]),
        (3, false) => (vec![0.4914, 0.4822, 0.4465], vec![0.2023, 0.1994, 0.2010]),
        _ => (vec![0.0; channels], vec![1.0; channels]),
    };
    let steps = extent(TA2, 0).filter(|_| encoder);
    let told = |is: bool| if is { "as the tensors say" } else { "check:" };
    let coding = if encoder { "gac" } else { "direct" };
    let stem = if kernel == 3 && (!jelly || pools) { 1 } else { 2 };
    let usual_steps = if jelly && !pools { 6 } else { 4 };
    let (fire, fires) = match jelly {
        true => (">=", "as SpikingJelly's neurons fire"),
        false => (">", "check: \">\" (the authors' networks) or \">=\""),
    };
    let (leaks, level) = match jelly {
        true => ("check: 1 - 1/tau, a power of two", "check: v_threshold, times tau with decay_input"),
        false => ("check: membrane factor per timestep, a power of two", "check: firing level"),
    };
    let pool = match pools {
        true => {
            ("pool = \"max\"".to_owned(), "check: as max_resnet18 has; \"none\" if it has none".to_owned())
        }
        false => ("pool = \"none\"".to_owned(), "check: max-pools, which no tensor tells".to_owned()),
    };
    let lines = [
        ("preset = \"custom\"".to_owned(), "label of the recipe, for reports".to_owned()),
        (format!("T = {}", steps.unwrap_or(usual_steps)), format!("{} timesteps", told(steps.is_some()))),
        (format!("leak = {leak:?}"), leaks.to_owned()),
        (format!("threshold = {threshold:?}"), level.to_owned()),
        (format!("fire = \"{fire}\""), fires.to_owned()),
        (
            "reset = \"zero\"".to_owned(),
            "check: what a spike leaves, \"zero\" or \"subtract\" (the membrane less the threshold)"
                .to_owned(),
        ),
        (format!("strides = {strides:?}"), "check: of the first block of every stage".to_owned()),
        (format!("stem_stride = {stem}"), "check: of the first convolution".to_owned()),
        ("last_lif = true".to_owned(), "check: neurons before the pooling".to_owned()),
        ("bn_eps = 1e-5".to_owned(), "check: of the batch norms".to_owned()),
        (
            format!("coding = \"{coding}\""),
            "as the tensors say: gac with an encoder, direct without".to_owned(),
        ),
        (format!("input = [{channels}, {size}, {size}]"), "check: image channels, rows, columns".to_owned()),
        (format!("mean = {mean:?}"), "check: per channel, of pixel / 255".to_owned()),
        (format!("std = {std:?}"), "check: per channel".to_owned()),
    ];
    lines.into_iter().chain(jelly.then_some(pool)).fold(String::new(), |mut out, (line, comment)| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{line:<34} # {comment}");
        out
    })
}
