//! Value-by-value comparison of traces: equal means every value of every tensor, in every timestep. Counts and
//! totals are never compared instead: they hide swapped neurons and shifted timesteps.

use serde::{Deserialize, Serialize};
use spikegate_contract::tensor::Tensor;
use std::fmt;
use std::path::PathBuf;

/// Result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Tensors compared.
    pub tensors: usize,
    /// Values compared.
    pub values: u64,
    /// Values that differ, and tensors that are missing, too many or of another shape (each counts as one).
    pub differences: u64,
    /// The first difference in execution order.
    pub first: Option<Divergence>,
}

/// Where two traces part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Divergence {
    /// The candidate lacks a tensor.
    Missing {
        /// Tensor.
        tensor: String,
    },
    /// The candidate has a tensor that was not asked for.
    Extra {
        /// Tensor.
        tensor: String,
    },
    /// Another shape.
    Shape {
        /// Tensor.
        tensor: String,
        /// Golden sizes (t, c, y, x).
        golden: [usize; 4],
        /// Candidate's sizes.
        got: [usize; 4],
    },
    /// A map that is in memory otherwise than the layers that follow begin with it.
    Left {
        /// Tensor.
        tensor: String,
        /// Bytes of it that differ.
        bytes: u64,
        /// Bytes of it.
        of: u64,
    },
    /// Another value.
    Value {
        /// Tensor.
        tensor: String,
        /// Timestep, channel, y, x.
        at: [usize; 4],
        /// Golden value.
        golden: i64,
        /// Candidate's value.
        got: i64,
        /// Values of this tensor that differ.
        in_tensor: u64,
        /// Values of this tensor.
        of: u64,
        /// Golden value of the same neuron one timestep before, on which both agree.
        before: Option<i64>,
    },
}

impl Comparison {
    /// Whether everything is equal, and something was compared.
    pub fn is_equal(&self) -> bool {
        self.differences == 0 && self.values > 0
    }

    /// Adds another comparison (of the next image).
    pub fn add(&mut self, other: Comparison) {
        self.tensors += other.tensors;
        self.values += other.values;
        self.differences += other.differences;
        self.first = self.first.take().or(other.first);
    }
}

/// Compares every golden tensor with the candidate's of the same name; one that either lacks is a difference. The golden
/// model has a tensor of every node, so that who compares a trace gives those that the plan has dumped.
pub fn compare<'a>(golden: impl IntoIterator<Item = &'a Tensor>, candidate: &[Tensor]) -> Comparison {
    let mut out = Comparison::default();
    let mut left: Vec<&Tensor> = candidate.iter().collect();
    for want in golden {
        let Some(at) = left.iter().position(|t| t.name == want.name) else {
            out.note(1, Divergence::Missing { tensor: want.name.clone() });
            continue;
        };
        let got = left.remove(at);
        out.tensors += 1;
        if got.dims != want.dims || got.data.len() != want.data.len() {
            out.note(1, Divergence::Shape { tensor: want.name.clone(), golden: want.dims, got: got.dims });
            continue;
        }
        out.values += want.data.len() as u64;
        let differing = || want.data.iter().zip(&got.data).enumerate().filter(|(_, (a, b))| a != b);
        if let Some((i, (&a, &b))) = differing().next() {
            let in_tensor = differing().count() as u64;
            let at = want.coordinates(i);
            let before = at[0].checked_sub(1).map(|t| want.at(t, at[1], at[2], at[3]));
            let of = want.data.len() as u64;
            let tensor = want.name.clone();
            out.note(in_tensor, Divergence::Value { tensor, at, golden: a, got: b, in_tensor, of, before });
        }
    }
    for extra in left {
        out.note(1, Divergence::Extra { tensor: extra.name.clone() });
    }
    out
}

impl Comparison {
    /// Notes so many differences, the first of which is this one.
    pub fn note(&mut self, n: u64, divergence: Divergence) {
        self.differences += n;
        self.first.get_or_insert(divergence);
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Divergence::Missing { tensor } => {
                write!(f, "tensor {tensor} is missing from the hardware's trace")
            }
            Divergence::Extra { tensor } => {
                write!(f, "tensor {tensor} of the hardware's trace was not expected")
            }
            Divergence::Shape { tensor, golden, got } => {
                write!(f, "tensor {tensor}: golden shape (t, c, y, x) {golden:?}, hardware {got:?}")
            }
            Divergence::Left { tensor, bytes, of } => {
                write!(f, "tensor {tensor} is left in memory with {bytes} of {of} bytes other than golden's")
            }
            Divergence::Value { tensor, at: [t, c, y, x], golden, got, in_tensor, of, before } => {
                writeln!(f, "first at layer {tensor}, timestep {t}, channel {c}, y {y}, x {x}")?;
                writeln!(f, "    golden     {golden}")?;
                writeln!(f, "    hardware   {got}")?;
                if let Some(before) = before {
                    writeln!(f, "  last agreeing state: timestep {}, value {before}", t - 1)?;
                }
                write!(f, "  {in_tensor} of {of} values of this tensor differ")
            }
        }
    }
}

/// What a report says beside the numbers. Empty parts are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Context {
    /// What was compared with the golden model, such as `verilator`; `hardware` where empty.
    pub target: String,
    /// Case, such as `image 17` or a test's name.
    pub case: String,
    /// Seed of a random case.
    pub seed: Option<u64>,
    /// Waveform file and the cycle to open it at.
    pub waves: Option<(PathBuf, u64)>,
    /// Command that runs the case again.
    pub rerun: String,
}

impl Comparison {
    /// The comparison in words: one line when equal, else the first divergence in execution order.
    pub fn report(&self, context: &Context) -> String {
        let target = if context.target.is_empty() { "hardware" } else { &context.target };
        let mut title = format!("golden vs {target}");
        if !context.case.is_empty() {
            title += &format!("   case `{}`", context.case);
        }
        if let Some(seed) = context.seed {
            title += &format!("  seed {seed:#x}");
        }
        let Some(first) = &self.first else {
            return match self.values {
                0 => format!("NOTHING COMPARED {title}\n"),
                n => format!("EQUAL {title}   values {n}, tensors {}\n", self.tensors),
            };
        };
        let mut out = format!("MISMATCH {title}\n{}", first.describe(target));
        if let Some((file, cycle)) = &context.waves {
            out += &format!("  waves: {}  at cycle {cycle}   (surfer or gtkwave)\n", file.display());
        }
        if !context.rerun.is_empty() {
            out += &format!("  rerun: {}\n", context.rerun);
        }
        out
    }
}

impl Divergence {
    fn describe(&self, target: &str) -> String {
        let (tensor, [t, c, y, x], golden, got, in_tensor, of, before) = match self {
            Divergence::Missing { tensor } => {
                return format!("  `{tensor}` is missing from the trace of {target}\n");
            }
            Divergence::Extra { tensor } => {
                return format!("  `{tensor}` of the trace of {target} was not expected\n");
            }
            Divergence::Shape { tensor, golden, got } => {
                return format!(
                    "  `{tensor}` has sizes (t, c, y, x) {golden:?} in golden, {got:?} in {target}\n"
                );
            }
            Divergence::Left { tensor, bytes, of } => {
                return format!(
                    "  `{tensor}` is left in the memory of {target}: {bytes} of {of} bytes differ\n"
                );
            }
            Divergence::Value { tensor, at, golden, got, in_tensor, of, before } => {
                (tensor, at, golden, got, in_tensor, of, before)
            }
        };
        let width = target.len().max("golden".len());
        let mut text = format!("  first at timestep {t}, layer `{tensor}`, channel {c}, y {y}, x {x}");
        text += &format!("   ({in_tensor} of {of} values differ)\n");
        text += &format!("    {:width$}  {golden}\n    {target:width$}  {got}\n", "golden");
        if let Some(before) = before {
            text += &format!("  last agreeing state: t={} value {before}\n", t - 1);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spikes(name: &str, bits: [i64; 8]) -> Tensor {
        Tensor { name: name.into(), dims: [2, 2, 1, 2], data: bits.to_vec() }
    }

    #[test]
    fn every_flipped_bit_is_found_where_it_is() {
        let a = spikes("a", [1, 0, 0, 1, 1, 1, 0, 0]);
        for i in 0..8 {
            let mut b = a.clone();
            b.data[i] ^= 1;
            let c = compare([&a], &[b]);
            let Some(Divergence::Value { at, in_tensor: 1, .. }) = c.first else { panic!("{c:?}") };
            assert_eq!((at, c.differences, c.is_equal()), (a.coordinates(i), 1, false));
        }
    }

    #[test]
    fn swapped_neurons_and_shifted_timesteps_are_found() {
        let a = spikes("a", [1, 0, 0, 1, 1, 1, 0, 0]);
        let swapped = spikes("a", [0, 1, 1, 0, 1, 1, 0, 0]);
        assert_eq!(compare([&a], &[swapped]).differences, 4);
        let shifted = spikes("a", [1, 1, 0, 0, 1, 0, 0, 1]);
        assert!(!compare([&a], &[shifted]).is_equal());
    }

    #[test]
    fn missing_extra_and_misshapen_tensors_fail_and_nothing_is_not_equal() {
        let a = spikes("a", [0; 8]);
        assert_eq!(compare([&a], &[]).differences, 1);
        let extra = compare([&a], &[a.clone(), spikes("b", [0; 8])]);
        assert_eq!(extra.first, Some(Divergence::Extra { tensor: "b".into() }));
        assert_eq!((extra.tensors, extra.differences, extra.is_equal()), (1, 1, false));
        assert!(!compare([&a], &[a.clone(), a.clone()]).is_equal());
        let wide = Tensor { dims: [2, 1, 2, 2], ..a.clone() };
        assert!(matches!(compare([&a], &[wide]).first, Some(Divergence::Shape { .. })));
        assert!(!compare([], &[]).is_equal());
    }

    #[test]
    fn the_first_divergence_is_told_in_words() {
        let a = spikes("layer1.0.spikes", [1, 0, 0, 1, 1, 1, 0, 0]);
        let mut b = a.clone();
        b.data[5] = 0;
        let text = compare([&a], &[b]).first.unwrap().to_string();
        assert!(text.contains("layer1.0.spikes, timestep 1, channel 0, y 0, x 1"), "{text}");
        assert!(text.contains("last agreeing state: timestep 0, value 0"), "{text}");
    }
}
