//! The network constants that no tensor carries, from the file's metadata or a TOML beside it.

use super::ImportError;
use crate::graph::{FireRule, MapShape, Neuron};
use serde::Deserialize;

/// The JSON text that a trainer stores under the safetensors metadata key `gac`.
pub const EXAMPLE_JSON: &str = r#"{"preset": "cifar", "T": 4, "leak": 0.5, "threshold": 1.0, "fire": ">", "strides": [2, 2], "input": [1, 28, 28], "mean": [0.0], "std": [1.0]}"#;

/// The same fields as a TOML file, `MODEL.toml` beside `MODEL.safetensors`.
pub const EXAMPLE_TOML: &str = r#"preset = "cifar"      # label of the recipe, for reports
T = 4                 # timesteps
leak = 0.5            # membrane factor per timestep, a power of two
threshold = 1.0       # firing level
fire = ">"            # ">" (the authors' networks) or ">="
strides = [2, 2]      # of the first block of layer1, layer2, ...
stem_stride = 1       # of the stem; needed unless the stem is 3x3
last_lif = true       # neurons before the pooling (no checkpoint can tell; true unless said)
coding = "gac"        # or "direct", no encoder (what the keys say unless said; said, the keys must agree)
input = [1, 28, 28]   # image channels, rows, columns
mean = [0.0]          # per channel, of pixel / 255
std = [1.0]           # per channel
"#;

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
    /// Whether there is an encoder, if said.
    pub encoder: Option<bool>,
    /// Data set, if said.
    pub dataset: Option<String>,
    /// Accuracy of the float network, 0 to 1, if said.
    pub float_top1: Option<f64>,
    /// What made the file, if said.
    pub made: Option<String>,
}

/// The fields as they stand in JSON or TOML.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    pub preset: Option<String>,
    #[serde(rename = "T")]
    pub timesteps: Option<usize>,
    pub leak: Option<f64>,
    pub threshold: Option<f64>,
    pub fire: Option<String>,
    pub strides: Option<Vec<usize>>,
    pub stem_stride: Option<usize>,
    pub input: Option<Vec<usize>>,
    pub mean: Option<Vec<f64>>,
    pub std: Option<Vec<f64>>,
    pub dataset: Option<String>,
    pub float_top1: Option<f64>,
    pub made: Option<String>,
    pub reset: Option<String>,
    pub input_kind: Option<String>,
    pub last_lif: Option<bool>,
    pub coding: Option<String>,
}

/// Reads, merges and checks the constants of the model `file`: the `gac` metadata text and the text
/// of the TOML file called `toml_name`, each if it exists.
pub(super) fn gather(
    file: &str,
    metadata: Option<&str>,
    toml_name: &str,
    toml: Option<&str>,
    preset: Option<Fields>,
) -> Result<Constants, ImportError> {
    let json_place = format!("{file} (metadata `gac`)");
    let in_file = metadata.map(|text| json(&json_place, text)).transpose()?;
    let in_toml = toml.map(|text| from_toml(toml_name, text)).transpose()?;
    let (place, said) = match (in_file, in_toml) {
        (None, None) if preset.is_none() => {
            return Err(ImportError::NoConstants { file: file.to_owned(), toml: toml_name.to_owned() });
        }
        (None, None) => (file.to_owned(), Fields::default()),
        (Some(fields), None) => (json_place, fields),
        (None, Some(fields)) => (toml_name.to_owned(), fields),
        (Some(a), Some(b)) => (format!("{json_place} and {toml_name}"), merge(file, toml_name, a, b)?),
    };
    check(&place, fill(said, preset.unwrap_or_default()))
}

/// What is said, and where nothing is said what the preset knows.
fn fill(said: Fields, preset: Fields) -> Fields {
    Fields {
        preset: said.preset.or(preset.preset),
        timesteps: said.timesteps.or(preset.timesteps),
        leak: said.leak.or(preset.leak),
        threshold: said.threshold.or(preset.threshold),
        fire: said.fire.or(preset.fire),
        strides: said.strides.or(preset.strides),
        stem_stride: said.stem_stride.or(preset.stem_stride),
        input: said.input.or(preset.input),
        mean: said.mean.or(preset.mean),
        std: said.std.or(preset.std),
        ..said
    }
}

fn json(place: &str, text: &str) -> Result<Fields, ImportError> {
    serde_json::from_str(text).map_err(|e| ImportError::BadConstants {
        place: place.to_owned(),
        reason: e.to_string(),
        example: EXAMPLE_JSON,
    })
}

fn from_toml(place: &str, text: &str) -> Result<Fields, ImportError> {
    toml::from_str(text).map_err(|e: toml::de::Error| ImportError::BadConstants {
        place: place.to_owned(),
        reason: e.to_string().trim_end().to_owned(),
        example: EXAMPLE_TOML,
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
        bad("leak", leak.to_string(), "a power of two from 1 to 2^-15, such as 0.5 or 0.25")
    })?;
    let fire = match fire.as_str() {
        ">" => FireRule::Gt,
        ">=" => FireRule::Ge,
        other => return Err(bad("fire", format!("{other:?}"), "\">\" or \">=\"")),
    };
    let encoder = match fields.coding.as_deref() {
        None => None,
        Some("gac") => Some(true),
        Some("direct") => Some(false),
        Some(other) => return Err(bad("coding", format!("{other:?}"), "\"gac\" or \"direct\"")),
    };
    let [c, h, w] = <[usize; 3]>::try_from(input)
        .map_err(|input| bad("input", format!("{input:?}"), "[channels, rows, columns]"))?;
    if let Some(top1) = fields.float_top1.filter(|v| !(0.0..=1.0).contains(v)) {
        return Err(bad("float_top1", top1.to_string(), "a fraction from 0 to 1"));
    }
    Ok(Constants {
        preset,
        timesteps,
        neuron: Neuron { leak_shift, threshold, fire },
        strides,
        stem_stride: fields.stem_stride,
        input: MapShape { c, h, w },
        mean,
        std,
        last_lif: fields.last_lif.unwrap_or(true),
        encoder,
        dataset: fields.dataset,
        float_top1: fields.float_top1,
        made: fields.made,
    })
}

/// Options whose meaning is known and that nothing downstream builds.
fn refuse_unbuilt(place: &str, fields: &Fields) -> Result<(), ImportError> {
    let refuse = |field, got: &str, reason| {
        Err(ImportError::Unsupported { place: place.to_owned(), field, got: format!("{got:?}"), reason })
    };
    match fields.reset.as_deref() {
        None | Some("zero" | "hard") => {}
        Some(soft @ ("subtract" | "soft")) => {
            return refuse(
                "reset",
                soft,
                "soft reset (subtracting the threshold) is not supported: Gated-Attention-Coding networks reset to \
                 zero, and hardware that resets to zero would fire differently; train with reset to zero",
            );
        }
        Some(other) => {
            return refuse("reset", other, "expected \"zero\", the only reset of this network form")
        }
    }
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
