//! The network constants that no tensor carries, from the file's metadata or a TOML beside it.

use super::fields::Fields;
use super::{pools, ImportError, Preset};
use crate::graph::{Assumption, FireRule, MapShape, Neuron, Reset, BN_EPSILON};
use spikegate_contract::text::printable;

/// The JSON text that a trainer stores under the safetensors metadata key `gac`; the same fields stand in a TOML file.
pub const EXAMPLE_JSON: &str = r#"{"preset": "cifar", "T": 4, "leak": 0.5, "threshold": 1.0, "fire": ">", "strides": [2, 2], "input": [1, 28, 28], "mean": [0.0], "std": [1.0]}"#;

/// Batch norms have 1e-5 (PyTorch) or 1e-3 (TensorFlow).
const MAX_EPSILON: f64 = 0.1;
/// Far outside of what a network of normalised sums is trained with.
const MIN_THRESHOLD: f64 = 1e-3;
const MAX_THRESHOLD: f64 = 1e3;
/// Networks that take pixels from 0 to 255 divide by 1/255.
const MIN_STD: f64 = 1e-3;

/// Everything the constants say, checked field by field.
#[derive(Debug, Clone, PartialEq)]
pub struct Constants {
    /// Label of the recipe.
    pub preset: String,
    /// T.
    pub timesteps: usize,
    /// Leak, threshold, comparison.
    pub neuron: Neuron,
    /// Stride of the first block of every stage.
    pub strides: Vec<usize>,
    /// Stride of the stem, if said.
    pub stem_stride: Option<usize>,
    /// Image extents.
    pub input: MapShape,
    /// Per channel, of `pixel / 255`.
    pub mean: Vec<f64>,
    /// Per channel.
    pub std: Vec<f64>,
    /// Whether neurons stand before the pooling; true unless said.
    pub last_lif: bool,
    /// Added to every variance of a batch norm; [`BN_EPSILON`] unless said.
    pub bn_eps: f64,
    /// Whether there is an encoder, if said.
    pub encoder: Option<bool>,
    /// Whether it is said that there are no max-pools, which no tensor tells.
    pub pool_free: bool,
    /// Data set, if said.
    pub dataset: Option<String>,
    /// Accuracy of the float network, 0 to 1, if said.
    pub float_top1: Option<f64>,
    /// What made the file, if said.
    pub made: Option<String>,
}

/// Where constants come from.
pub(super) struct Sources<'s> {
    /// The model.
    pub file: &'s str,
    /// The text of its `gac` metadata.
    pub metadata: Option<&'s str>,
    /// The constants file.
    pub toml_name: &'s str,
    /// Its text.
    pub toml: Option<&'s str>,
    /// What the caller's preset knows.
    pub preset: Option<Fields>,
    /// T of the tensors, where they tell it: a preset leaves it to them.
    pub timesteps: Option<usize>,
    /// What presets there are for such a model, for errors.
    pub presets: &'static str,
    /// What the caller says himself, which counts before all.
    pub last_lif: Option<bool>,
    /// A whole constants file for this model, for errors.
    pub example: &'s str,
}

/// Reads, merges and checks the constants; what nobody says is added to `assumed`.
pub(super) fn gather(sources: Sources<'_>, assumed: &mut Vec<Assumption>) -> Result<Constants, ImportError> {
    let Sources { file, metadata, toml_name, toml, preset, timesteps, presets, last_lif, example } = sources;
    let json_place = format!("{file} (metadata `gac`)");
    let in_file = metadata.map(|text| json(&json_place, text)).transpose()?;
    let in_toml = toml.map(|text| from_toml(toml_name, text, example)).transpose()?;
    let (place, said) = match (in_file, in_toml) {
        (None, None) if preset.is_none() => {
            return Err(ImportError::NoConstants {
                file: file.to_owned(),
                toml: toml_name.to_owned(),
                presets,
                example: example.to_owned(),
            });
        }
        (None, None) => (file.to_owned(), Fields::default()),
        (Some(fields), None) => (json_place, fields),
        (None, Some(fields)) => (toml_name.to_owned(), fields),
        (Some(a), Some(b)) => (format!("{json_place} and {toml_name}"), merge(file, toml_name, a, b)?),
    };
    let said = Fields { last_lif: last_lif.or(said.last_lif), ..said };
    let fields = match preset {
        Some(preset) => {
            let said = Fields { timesteps: said.timesteps.or(timesteps), ..said };
            fill(&place, said, preset, assumed)?
        }
        None => said,
    };
    let mut assume = |what: &str, taken: String, why: &str| {
        assumed.push(Assumption { what: what.to_owned(), taken, why: why.to_owned() });
    };
    if fields.bn_eps.is_none() {
        assume(
            "bn_eps",
            format!("{BN_EPSILON:e}"),
            "PyTorch's default, which no checkpoint tells; the constants may",
        );
    }
    if fields.reset.is_none() {
        let why =
            "a spike sets the membrane to 0, which no checkpoint tells; the constants may say \"subtract\"";
        assume("reset", "zero".to_owned(), why);
    }
    if fields.last_lif.is_none() {
        let why =
            "neurons stand before the pooling, which no checkpoint tells; the constants or --last-lif may";
        assume("last_lif", "true".to_owned(), why);
    }
    check(&place, fields)
}

/// What is said, and where nothing is said what the preset knows.
fn fill(
    place: &str,
    said: Fields,
    preset: Fields,
    assumed: &mut Vec<Assumption>,
) -> Result<Fields, ImportError> {
    let name = preset.preset.clone().unwrap_or_default();
    if let Some(label) = said.preset.as_ref().filter(|label| Preset::is_name(label) && **label != name) {
        return Err(ImportError::PresetDisagrees {
            place: place.to_owned(),
            got: label.clone(),
            asked: name,
        });
    }
    let mut filled = Vec::new();
    let mut other = Vec::new();
    fn one<T: Clone + PartialEq + std::fmt::Debug>(
        (filled, other): (&mut Vec<String>, &mut Vec<String>),
        field: &str,
        said: Option<T>,
        preset: Option<T>,
    ) -> Option<T> {
        match (&said, &preset) {
            (None, Some(value)) => filled.push(format!("{field} = {value:?}")),
            (Some(said), Some(value)) if said != value => other.push(format!("{field} = {said:?}")),
            _ => {}
        }
        said.or(preset)
    }
    macro_rules! one {
        ($field:ident, $name:literal) => {
            one((&mut filled, &mut other), $name, said.$field, preset.$field)
        };
    }
    let fields = Fields {
        preset: said.preset.or(preset.preset),
        timesteps: one!(timesteps, "T"),
        leak: one!(leak, "leak"),
        threshold: one!(threshold, "threshold"),
        fire: one!(fire, "fire"),
        strides: one!(strides, "strides"),
        stem_stride: one!(stem_stride, "stem_stride"),
        input: one!(input, "input"),
        mean: one!(mean, "mean"),
        std: one!(std, "std"),
        dataset: said.dataset,
        float_top1: said.float_top1,
        made: said.made,
        reset: one!(reset, "reset"),
        input_kind: said.input_kind,
        last_lif: one!(last_lif, "last_lif"),
        coding: one!(coding, "coding"),
        bn_eps: one!(bn_eps, "bn_eps"),
        pool: one!(pool, "pool"),
    };
    let mut why = format!("the preset {name}, where nothing is said");
    if !other.is_empty() {
        why += &format!("; {place} says otherwise, which counts: {}", other.join(", "));
    }
    let taken = if filled.is_empty() { "nothing".to_owned() } else { filled.join(", ") };
    assumed.push(Assumption { what: "preset".to_owned(), taken, why });
    Ok(fields)
}

fn json(place: &str, text: &str) -> Result<Fields, ImportError> {
    serde_json::from_str(text).map_err(|e| ImportError::BadConstants {
        place: place.to_owned(),
        reason: e.to_string(),
        example: EXAMPLE_JSON.to_owned(),
    })
}

fn from_toml(place: &str, text: &str, example: &str) -> Result<Fields, ImportError> {
    toml::from_str(text).map_err(|e: toml::de::Error| ImportError::BadConstants {
        place: place.to_owned(),
        reason: e.to_string().trim_end().to_owned(),
        example: example.to_owned(),
    })
}

/// Takes each field from where it is given; given twice, it must be the same.
fn merge(file: &str, toml: &str, a: Fields, b: Fields) -> Result<Fields, ImportError> {
    fn one<T: PartialEq + std::fmt::Debug>(
        names: (&str, &str),
        field: &'static str,
        a: Option<T>,
        b: Option<T>,
    ) -> Result<Option<T>, ImportError> {
        match (a, b) {
            (Some(x), Some(y)) if x != y => Err(ImportError::ConstantsDisagree {
                file: names.0.to_owned(),
                toml: names.1.to_owned(),
                field,
                in_file: format!("{x:?}"),
                in_toml: format!("{y:?}"),
            }),
            (a, b) => Ok(a.or(b)),
        }
    }
    let names = (file, toml);
    Ok(Fields {
        preset: one(names, "preset", a.preset, b.preset)?,
        timesteps: one(names, "T", a.timesteps, b.timesteps)?,
        leak: one(names, "leak", a.leak, b.leak)?,
        threshold: one(names, "threshold", a.threshold, b.threshold)?,
        fire: one(names, "fire", a.fire, b.fire)?,
        strides: one(names, "strides", a.strides, b.strides)?,
        stem_stride: one(names, "stem_stride", a.stem_stride, b.stem_stride)?,
        input: one(names, "input", a.input, b.input)?,
        mean: one(names, "mean", a.mean, b.mean)?,
        std: one(names, "std", a.std, b.std)?,
        dataset: one(names, "dataset", a.dataset, b.dataset)?,
        float_top1: one(names, "float_top1", a.float_top1, b.float_top1)?,
        made: one(names, "made", a.made, b.made)?,
        reset: one(names, "reset", a.reset, b.reset)?,
        input_kind: one(names, "input_kind", a.input_kind, b.input_kind)?,
        last_lif: one(names, "last_lif", a.last_lif, b.last_lif)?,
        coding: one(names, "coding", a.coding, b.coding)?,
        bn_eps: one(names, "bn_eps", a.bn_eps, b.bn_eps)?,
        pool: one(names, "pool", a.pool, b.pool)?,
    })
}

fn check(place: &str, fields: Fields) -> Result<Constants, ImportError> {
    let bad = |field, got: String, expected: &str| ImportError::BadField {
        place: place.to_owned(),
        field,
        got,
        expected: expected.to_owned(),
    };
    let missing = |field, meaning, example| {
        move || ImportError::MissingField { place: place.to_owned(), field, meaning, example }
    };
    refuse_unbuilt(place, &fields)?;
    pools::refuse(place, fields.pool.as_deref())?;
    let preset =
        fields.preset.ok_or_else(missing("preset", "label of the training recipe", "preset = \"cifar\""))?;
    let timesteps = fields.timesteps.ok_or_else(missing("T", "timesteps per image", "T = 4"))?;
    let leak = fields.leak.ok_or_else(missing("leak", "membrane factor per timestep", "leak = 0.5"))?;
    let threshold = fields.threshold.ok_or_else(missing("threshold", "firing level", "threshold = 1.0"))?;
    let fire = fields.fire.ok_or_else(missing("fire", "comparison with the threshold", "fire = \">\""))?;
    let strides = fields.strides.ok_or_else(missing(
        "strides",
        "stride of the first block per stage",
        "strides = [1, 2, 2]",
    ))?;
    let input =
        fields.input.ok_or_else(missing("input", "image channels, rows, columns", "input = [3, 32, 32]"))?;
    let mean = fields.mean.ok_or_else(missing(
        "mean",
        "per channel, of pixel / 255; zeros if none",
        "mean = [0.4914, 0.4822, 0.4465]",
    ))?;
    let std = fields.std.ok_or_else(missing(
        "std",
        "per channel; ones if none",
        "std = [0.2023, 0.1994, 0.2010]",
    ))?;

    let leak_shift = (0..=15).find(|&k: &u8| leak == 2f64.powi(-i32::from(k))).ok_or_else(|| {
        let tau = "a power of two from 1 to 2^-15, such as 0.5 or 0.25 (a time constant tau is a leak of 1 - 1/tau)";
        bad("leak", leak.to_string(), tau)
    })?;
    let fire = match fire.as_str() {
        ">" => FireRule::Gt,
        ">=" => FireRule::Ge,
        other => return Err(bad("fire", format!("{other:?}"), "\">\" or \">=\"")),
    };
    let reset = match fields.reset.as_deref() {
        None | Some("zero" | "hard") => Reset::Zero,
        Some("subtract" | "soft") => Reset::Subtract,
        Some(other) => {
            return Err(bad(
                "reset",
                format!("{other:?}"),
                "\"zero\" or \"subtract\", also said \"hard\" or \"soft\"",
            ))
        }
    };
    let encoder = match fields.coding.as_deref() {
        None => None,
        Some("gac") => Some(true),
        Some("direct") => Some(false),
        Some(other) => return Err(bad("coding", format!("{other:?}"), "\"gac\" or \"direct\"")),
    };
    if strides.contains(&0) {
        return Err(bad("strides", format!("{strides:?}"), "numbers of at least 1"));
    }
    if fields.stem_stride == Some(0) {
        return Err(bad("stem_stride", "0".to_owned(), "at least 1"));
    }
    let [c, h, w] = <[usize; 3]>::try_from(input)
        .map_err(|input| bad("input", format!("{input:?}"), "[channels, rows, columns]"))?;
    let bn_eps = fields.bn_eps.unwrap_or(BN_EPSILON);
    if !(bn_eps > 0.0 && bn_eps <= MAX_EPSILON) {
        let expected = format!("a positive number up to {MAX_EPSILON}, such as 1e-5 or 1e-3");
        return Err(bad("bn_eps", bn_eps.to_string(), &expected));
    }
    if !(MIN_THRESHOLD..=MAX_THRESHOLD).contains(&threshold) {
        let expected = format!("{MIN_THRESHOLD} to {MAX_THRESHOLD}, such as 1.0 or 0.5");
        return Err(bad("threshold", threshold.to_string(), &expected));
    }
    let pixels =
        |field: &'static str, values: &[f64], range: std::ops::RangeInclusive<f64>, expected: &str| {
            if values.len() != c {
                let expected = format!("{c} numbers, one per channel of `input`");
                return Err(bad(field, format!("{values:?}"), &expected));
            }
            match values.iter().find(|v| !range.contains(v)) {
                // Of pixels from 0 to 255.
                Some(&v) if v > 1.0 && v <= 255.0 => Err(ImportError::Bytes {
                    place: place.to_owned(),
                    field,
                    got: format!("{values:?}"),
                    expected: expected.to_owned(),
                    divided: format!(
                        "{:?}",
                        values.iter().map(|v| (v / 255.0 * 1e5).round() / 1e5).collect::<Vec<_>>()
                    ),
                }),
                Some(_) => Err(bad(field, format!("{values:?}"), expected)),
                None => Ok(()),
            }
        };
    pixels("mean", &mean, 0.0..=1.0, "0 to 1, the mean of pixel / 255 per channel; 0 if none is subtracted")?;
    let expected = format!("{MIN_STD} to 1, the deviation of pixel / 255 per channel; 1 if none divides");
    pixels("std", &std, MIN_STD..=1.0, &expected)?;
    if let Some(top1) = fields.float_top1.filter(|v| !(0.0..=1.0).contains(v)) {
        return Err(bad("float_top1", top1.to_string(), "a fraction from 0 to 1"));
    }
    Ok(Constants {
        preset: printable(&preset),
        timesteps,
        neuron: Neuron { leak_shift, threshold, fire, reset },
        strides,
        stem_stride: fields.stem_stride,
        input: MapShape { c, h, w },
        mean,
        std,
        last_lif: fields.last_lif.unwrap_or(true),
        bn_eps,
        encoder,
        pool_free: fields.pool.is_some(),
        dataset: fields.dataset.as_deref().map(printable),
        float_top1: fields.float_top1,
        made: fields.made.as_deref().map(printable),
    })
}

/// Options whose meaning is known and that nothing downstream builds.
fn refuse_unbuilt(place: &str, fields: &Fields) -> Result<(), ImportError> {
    let refuse = |field, got: &str, reason| {
        let (place, got) = (place.to_owned(), format!("{got:?}"));
        Err(ImportError::Unsupported { place, field, got, reason, todo: None })
    };
    match fields.input_kind.as_deref() {
        None | Some("still") => Ok(()),
        Some(events @ ("events" | "event-stream")) => refuse(
            "input_kind",
            events,
            "event streams are not supported yet: the encoder is computed once per image, which needs an input that \
             does not change over time",
        ),
        Some(other) => refuse("input_kind", other, "expected \"still\""),
    }
}
