//! `spikegate inspect`: what is in a model.

use spikegate_compiler::graph::{Assumption, FireRule, Layer, Reset, Summary};
use spikegate_compiler::import;
use std::fmt::Write;

use crate::args::Inspect;
use crate::failure::Result;
use crate::ui::{grouped, table, Ui};

pub fn run(args: &Inspect, ui: &Ui) -> Result<()> {
    let network = import::load_with(&args.source.model, &args.source.request())?;
    let summary = network.summary()?;
    ui.result(&summary, || text(&summary))
}

fn text(s: &Summary) -> String {
    let mut out = String::new();
    let fire = match s.neuron.fire {
        FireRule::Gt => ">",
        FireRule::Ge => ">=",
    };
    let reset = match s.neuron.reset {
        Reset::Zero => "hard reset to 0",
        Reset::Subtract => "soft reset (a spike takes the threshold off)",
    };
    let lines = [
        ("network", format!("{} ({})", s.origin.name, s.origin.preset)),
        ("image", format!("{}, {} classes, T = {} timesteps", s.input, s.classes, s.timesteps)),
        (
            "neuron",
            format!(
                "LIF, leak 2^-{} per timestep, fires at u {fire} {}, {reset}",
                s.neuron.leak_shift, s.neuron.threshold
            ),
        ),
        (
            "coding",
            match s.attention_kernel {
                Some(k) => format!("gated attention, kernel {k} x {k}"),
                None => "direct: no encoder, the stem's output enters the first block at every timestep"
                    .to_owned(),
            },
        ),
        (
            "last LIF",
            match s.last_lif {
                true => "before the pooling",
                false => "none: the mean membrane is classified",
            }
            .to_owned(),
        ),
        ("parameters", grouped(s.params)),
        ("neurons", grouped(s.neurons)),
        (
            "dense SOPs",
            format!("{} per image (3x3 convolutions on spikes, all taps, all timesteps)", grouped(s.sops)),
        ),
        ("dense MACs", format!("{} per image (stem, attention, shortcuts, head)", grouped(s.macs))),
        ("trained on", s.origin.dataset.clone().unwrap_or_default()),
        (
            "float top-1",
            s.origin
                .float_top1
                .map(|a| format!("{:.2} % (as the trainer measured it)", 100.0 * a))
                .unwrap_or_default(),
        ),
        ("made by", s.origin.made.clone().unwrap_or_default()),
    ];
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name:<12} {value}");
    }
    out += &assumed(&s.origin.assumed);
    let header = ["layer", "input", "output", "kernel", "stride", "neurons", "parameters", "SOPs", "MACs"];
    let _ = write!(out, "\n{}", table(&header, s.layers.iter().map(row)));
    out
}

/// What was taken for granted when a model was read, a line each.
pub fn assumed(assumed: &[Assumption]) -> String {
    let line = |a: &Assumption| format!("{:<12} {}: {} ({})\n", "assumed", a.what, a.taken, a.why);
    assumed.iter().map(line).collect()
}

fn row(l: &Layer) -> Vec<String> {
    let or_dash = |n: u64| if n == 0 { "-".to_owned() } else { grouped(n) };
    vec![
        l.name.clone(),
        l.input.to_string(),
        l.output.to_string(),
        if l.kernel == 0 { "-".to_owned() } else { format!("{0}x{0}", l.kernel) },
        or_dash(l.stride as u64),
        or_dash(l.neurons),
        or_dash(l.params),
        or_dash(l.sops),
        or_dash(l.macs),
    ]
}
