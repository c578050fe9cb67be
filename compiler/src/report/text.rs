//! The report as text for a terminal.

use std::fmt::{self, Write};

use super::{NetworkReport, Number, Report, WeightWidth};

impl NetworkReport {
    /// The weights in words, such as `1,200 weights of 8 bits` or `1,200 weights: 1,000 of 4 bits, 200 of 8 bits`.
    pub fn weights_text(&self) -> String {
        let all = grouped(self.weights as u64);
        match &self.widths[..] {
            [only] => format!("{all} weights of {} bits", only.bits),
            widths => {
                let of = |w: &WeightWidth| format!("{} of {} bits", grouped(w.weights as u64), w.bits);
                format!("{all} weights: {}", widths.iter().map(of).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl Report {
    /// The report as text, at most 80 columns wide but for long names, with a line end after every line.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let n = &self.network;
        let [c, h, w] = n.input;
        writeln!(out, "network   {}: {c}x{h}x{w} image, T = {}, {} classes", n.name, n.timesteps, n.classes)?;
        writeln!(
            out,
            "          {}\n          {} dense synaptic operations per image",
            n.weights_text(),
            grouped(n.dense_sops)
        )?;
        let a = &self.array;
        writeln!(
            out,
            "array     L = {}, PX = {}, CI = {}, CO = {}\n          {} lane operations per cycle, {} post lanes",
            a.lanes,
            a.pixels,
            a.ci,
            a.co,
            grouped(self.lane_ops as u64),
            a.post
        )?;
        self.write_memories(out)?;
        self.write_resources(out)?;
        self.write_layers(out)?;
        self.write_traffic(out)?;
        self.write_accuracy(out)
    }

    fn write_memories(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "\n{:<24} {:>6} {:>6} {:>9} {:>9} {:>7}",
            "memory", "copies", "bits", "words", "used", "full"
        )?;
        for m in &self.memories {
            let full = percent(m.used.value as f64 / m.words.max(1) as f64);
            let (name, copies, bits) = (&m.name, m.copies, m.word_bits);
            writeln!(out, "{name:<24} {copies:>6} {bits:>6} {:>9} {:>9} {full:>7}", m.words, m.used.value)?;
        }
        Ok(())
    }

    fn write_resources(&self, out: &mut String) -> fmt::Result {
        if self.resources.is_empty() {
            return Ok(());
        }
        let columns = ["LUT", "FF", "BRAM 18k", "DSP", "MHz (speed grade)"];
        write!(out, "\n{:<23}", "FPGA family, core alone")?;
        columns.iter().try_for_each(|c| write!(out, " {c:>8}"))?;
        writeln!(out)?;
        for r in &self.resources {
            let name = format!("{} ({})", r.part, r.lut.source);
            let clocks: Vec<String> =
                r.fmax_mhz.iter().map(|(grade, mhz)| format!("{:.0} ({grade})", mhz.value)).collect();
            let clocks = if clocks.is_empty() { "not known".to_owned() } else { clocks.join(", ") };
            write!(out, "{name:<23}")?;
            [r.lut, r.ff, r.bram, r.dsp].iter().try_for_each(|n| write!(out, " {:>8}", grouped(n.value)))?;
            writeln!(out, " {clocks:>17}")?;
        }
        Ok(())
    }

    fn write_layers(&self, out: &mut String) -> fmt::Result {
        let (ops, used) = ("dense operations", "array used");
        writeln!(out, "\n{:<22} {ops:>17} {:>12} {:>12} {used:>11}", "layer", "predicted", "counted")?;
        for l in &self.by_layer() {
            let cycles = l.counted.unwrap_or(l.cycles).value;
            let used = match cycles {
                0 => "-".to_owned(),
                _ => percent(l.dense_ops as f64 / (cycles as f64 * self.lane_ops as f64)),
            };
            let counted = l.counted.map_or("-".to_owned(), |c| grouped(c.value));
            let (ops, cycles) = (grouped(l.dense_ops), grouped(l.cycles.value));
            writeln!(out, "{:<22} {ops:>17} {cycles:>12} {counted:>12} {used:>11}", l.name)?;
        }
        let memory = self.traffic.memory.map_or(String::new(), |memory| format!(", {}", memory.name()));
        writeln!(
            out,
            "\ncycles per image         {} ({}{memory})",
            grouped(self.cycles.value),
            self.cycles.source
        )?;
        if let (2.., Some(alone)) = (self.batch, self.cycles_alone) {
            let (images, cycles, source) = (self.batch, grouped(alone.value), alone.source);
            writeln!(out, "                         in batches of {images}; {cycles} one by one ({source})")?;
        }
        let shares = |all: Number<f64>, inside: Number<f64>| {
            let (dense, inside) = (percent(all.value), percent(inside.value));
            let indent = " ".repeat(25);
            format!(
                "{dense} with the taps on the zero border\n{indent}as work, {inside} without ({})",
                all.source
            )
        };
        if let (Some(all), Some(inside)) = (self.utilisation, self.utilisation_inside) {
            writeln!(out, "array used, 3x3 layers   {}", shares(all, inside))?;
            writeln!(out, "                         (of the layers whose channels fill it)")?;
        }
        writeln!(
            out,
            "array used, all layers   {}",
            shares(self.utilisation_all, self.utilisation_inside_all)
        )
    }

    fn write_traffic(&self, out: &mut String) -> fmt::Result {
        let t = &self.traffic;
        let bytes = |n: Number<u64>| grouped(n.value);
        writeln!(
            out,
            "bytes per image          image {}, result {}\n                         weights from external memory {} ({})",
            bytes(t.image),
            bytes(t.result),
            bytes(t.weights),
            t.weights.source
        )?;
        if !t.spilled.is_empty() {
            let [written, read] = t.maps;
            writeln!(
                out,
                "                         maps to external memory {}, back {} ({})",
                bytes(written),
                bytes(read),
                written.source
            )?;
            t.spilled.iter().try_for_each(|name| writeln!(out, "                         of {name}"))?;
        }
        let Some(memory) = &t.memory else { return Ok(()) };
        let port = self.array.memory_bits / 8;
        let (numerator, denominator) = memory.interval(port);
        let rate = port as f64 * denominator as f64 / numerator as f64;
        writeln!(
            out,
            "external memory          {} bits; cycles for a latency of {} cycles\n                         and {rate} bytes per cycle",
            self.array.memory_bits, memory.latency
        )
    }

    fn write_accuracy(&self, out: &mut String) -> fmt::Result {
        let Some(a) = &self.accuracy else {
            return writeln!(out, "\naccuracy                 not measured");
        };
        writeln!(out, "\naccuracy on {} images ({})", grouped(a.images as u64), a.label_agreement.source)?;
        for (what, top1) in [("float top-1", a.float_top1), ("integer top-1", a.integer_top1)] {
            if let Some(top1) = top1 {
                writeln!(out, "  {what:<22} {}", percent(top1.value))?;
            }
        }
        writeln!(out, "  {:<22} {}", "same label", percent(a.label_agreement.value))?;
        if !a.spike_agreement.is_empty() {
            writeln!(out, "equal spikes on {} images", a.spike_images)?;
        }
        for (name, share) in &a.spike_agreement {
            writeln!(out, "  {name:<22} {}", percent(share.value))?;
        }
        let clamped: Vec<_> = a.saturated.iter().filter(|s| s.saturated.value > 0).collect();
        let places = (clamped.len(), a.saturated.len());
        writeln!(out, "values clamped in {} of {} places", places.0, places.1)?;
        for s in clamped {
            let (count, of) = (grouped(s.saturated.value), grouped(s.of));
            writeln!(out, "  {:<22} {:<10} {count} of {of}", s.layer, s.kind)?;
        }
        Ok(())
    }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Digits in groups of three: `12,345`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn groups_digits() {
        assert_eq!(["0", "999", "1,000", "12,345,678"], [0, 999, 1000, 12_345_678].map(grouped)[..]);
    }
}
