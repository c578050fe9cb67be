//! Everything that can be wrong with a model file.

use super::families::READ;
use crate::graph::GraphError;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;

/// Why a model was refused. Every message names the file and the tensor or field, what was expected,
/// what was found, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file could not be read.
    #[error("{file}: cannot be read: {source}")]
    Io {
        /// Path.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A folder, a device or a pipe.
    #[error("{file}: this is {what}, expected a regular file")]
    NotAFile {
        /// Path.
        file: String,
        /// What it is.
        what: &'static str,
    },
    /// No bytes.
    #[error("{file}: the file is empty")]
    Empty {
        /// Path.
        file: String,
    },
    /// Larger than any network of this form.
    #[error("{file}: {bytes} bytes, at most {limit} are read")]
    TooLarge {
        /// Path.
        file: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Another format, recognised by its first bytes.
    #[error("{file}: this is {what}, expected safetensors or a PyTorch checkpoint")]
    NotSafetensors {
        /// Path.
        file: String,
        /// What it is.
        what: &'static str,
        /// How to convert it.
        todo: &'static str,
    },
    /// The safetensors structure is damaged.
    #[error("{file}: not a whole safetensors file ({bytes} bytes): {reason}")]
    Corrupt {
        /// Path.
        file: String,
        /// Its size.
        bytes: u64,
        /// Which rule of the format is broken.
        reason: String,
    },
    /// A PyTorch checkpoint that is damaged, or that holds more than tensors.
    #[error("{file}: {reason}")]
    Checkpoint {
        /// Path.
        file: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// Several networks in one file, and nothing says which is meant.
    #[error("{file}: it holds several networks: {}", found.join(", "))]
    SeveralNetworks {
        /// Path.
        file: String,
        /// What each stands under.
        found: Vec<String>,
    },
    /// No network under the key that was asked for.
    #[error("{file}: no network under `{wanted}`")]
    NoSuchWeights {
        /// Path.
        file: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: Vec<String>,
    },
    /// Two keys that mean one tensor.
    #[error("{file}: `{}` and `{}` both mean `{key}`", keys[0], keys[1])]
    KeyCollision {
        /// Path.
        file: String,
        /// The keys.
        keys: [String; 2],
        /// The canonical key of both.
        key: String,
    },
    /// A key or a rank that no network has.
    #[error(
        "{file}: tensor `{key}`: a key of {length} bytes and {rank} dimensions, expected at most 256 without control \
         characters, and at most 8"
    )]
    StrangeTensor {
        /// Path.
        file: String,
        /// The start of the key.
        key: String,
        /// Its length in bytes.
        length: usize,
        /// Dimensions.
        rank: usize,
    },
    /// A file without tensors.
    #[error("{file}: there are no tensors in it")]
    NoTensors {
        /// Path.
        file: String,
    },
    /// A preset that does not suit the network.
    #[error("{file}: preset {preset} has {expected}, the file has {got}")]
    PresetDoesNotFit {
        /// Path.
        file: String,
        /// Which.
        preset: &'static str,
        /// What the preset expects.
        expected: String,
        /// What the file has.
        got: String,
        /// Path of the constants file.
        toml: String,
    },
    /// A checkpoint layout that is known and not read.
    #[error("{file}: {layout} (key `{key}`): {why}")]
    UnsupportedLayout {
        /// Path.
        file: String,
        /// Which layout.
        layout: &'static str,
        /// A key that gives it away.
        key: String,
        /// Why it is refused.
        why: &'static str,
        /// What to do.
        todo: &'static str,
    },
    /// A network that has neither stages of blocks nor an encoder.
    #[error("{file}: no network of the form that is read here: its {count} tensor(s) are {}", some(keys, *count))]
    OtherNetwork {
        /// Path.
        file: String,
        /// The first few keys.
        keys: Vec<String>,
        /// How many in all.
        count: usize,
    },
    /// Keys that belong to no layer.
    #[error(
        "{file}: {count} unknown key(s): {}; expected the key layout of the authors' CIFAR code (conv1, bn1, encoding, \
         layerL.B, fc1) or ImageNet code, or SpikingJelly's (stem, layerL.B, head)", some(keys, *count)
    )]
    UnknownKeys {
        /// Path.
        file: String,
        /// The first few.
        keys: Vec<String>,
        /// How many in all.
        count: usize,
    },
    /// A tensor that must be there.
    #[error("{file}: tensor `{key}` is missing ({expected})")]
    MissingKey {
        /// Path.
        file: String,
        /// Canonical key.
        key: String,
        /// Its expected shape, or what it decides.
        expected: String,
        /// What to do.
        advice: String,
    },
    /// A tensor with the wrong extents.
    #[error("{file}: tensor `{tensor}` has shape {got:?}, expected {expected}")]
    WrongShape {
        /// Path.
        file: String,
        /// Key.
        tensor: String,
        /// Expected extents, with what they come from.
        expected: String,
        /// Extents found.
        got: Vec<usize>,
    },
    /// A tensor that is not floating point, or no tensor.
    #[error("{file}: tensor `{tensor}` is {got}, expected F32 (F64, F16 and BF16 are converted)")]
    WrongDtype {
        /// Path.
        file: String,
        /// Key.
        tensor: String,
        /// Type found.
        got: String,
        /// Whether it is one of PyTorch's: a NumPy array has no `.float()`.
        is_tensor: bool,
    },
    /// NaN or infinity.
    #[error("{file}: tensor `{tensor}`[{index}] is {value}, expected a finite number")]
    NotFinite {
        /// Path.
        file: String,
        /// Key.
        tensor: String,
        /// Flat index of the first such value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A variance below zero.
    #[error("{file}: tensor `{tensor}`[{index}] is {value}, expected a variance, never negative")]
    NegativeVariance {
        /// Path.
        file: String,
        /// Key.
        tensor: String,
        /// Flat index of the first such value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A step of weights that is none.
    #[error("{file}: tensor `{tensor}`[{index}] is {value}, expected the step of weights, above 0")]
    NotPositive {
        /// Path.
        file: String,
        /// Key.
        tensor: String,
        /// Flat index of the first such value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// Two names of one tensor that hold different bytes.
    #[error(
        "{file}: `{alias}` differs from `{canonical}` {what}: they are two names of one tensor in the authors' code, \
         expected to be bitwise equal"
    )]
    AliasDisagrees {
        /// Path.
        file: String,
        /// The key that is read.
        canonical: String,
        /// The other name.
        alias: String,
        /// Where: type, shape, or index.
        what: String,
    },
    /// Neither metadata nor TOML.
    #[error(
        "{file}: the network's constants (strides, leak, threshold, image) are not in the file, and {toml} does not \
         exist"
    )]
    NoConstants {
        /// Path of the model.
        file: String,
        /// Path where they may be.
        toml: String,
        /// Presets there are for such a model, as `--preset NAME if ...`.
        presets: &'static str,
        /// A whole constants file.
        example: String,
    },
    /// Constants that do not parse.
    #[error("{place}: {reason}")]
    BadConstants {
        /// File, and metadata key if any.
        place: String,
        /// What the parser said.
        reason: String,
        /// A whole example in the same syntax.
        example: String,
    },
    /// A mean or deviation of pixels from 0 to 255.
    #[error("{place}: field `{field}` is {got}, in units of bytes, expected {expected}")]
    Bytes {
        /// Where it stands.
        place: String,
        /// Its name.
        field: &'static str,
        /// Its value.
        got: String,
        /// Its range.
        expected: String,
        /// The value over 255.
        divided: String,
    },
    /// A constant that nobody gives.
    #[error("{place}: field `{field}` is missing ({meaning})")]
    MissingField {
        /// Where it was looked for.
        place: String,
        /// Its name.
        field: &'static str,
        /// What it is.
        meaning: &'static str,
        /// One line to add.
        example: &'static str,
    },
    /// A constant out of its range.
    #[error("{place}: field `{field}` is {got}, expected {expected}")]
    BadField {
        /// Where it stands.
        place: String,
        /// Its name.
        field: &'static str,
        /// Its value.
        got: String,
        /// Its range.
        expected: String,
    },
    /// The preset that the constants name is not the one that was asked for.
    #[error("{place}: field `preset` is {got:?}, expected {asked:?}, as --preset says")]
    PresetDisagrees {
        /// Where it stands.
        place: String,
        /// What it says.
        got: String,
        /// What was asked for.
        asked: String,
    },
    /// Metadata and TOML say different things.
    #[error("field `{field}`: {file} says {in_file}, {toml} says {in_toml}")]
    ConstantsDisagree {
        /// Path of the model.
        file: String,
        /// Path of the TOML.
        toml: String,
        /// Name of the field.
        field: &'static str,
        /// Value in the metadata.
        in_file: String,
        /// Value in the TOML.
        in_toml: String,
    },
    /// A kind of network that is known and not built.
    #[error("{place}: field `{field}` is {got}: {reason}")]
    Unsupported {
        /// Where it stands.
        place: String,
        /// Name of the field.
        field: &'static str,
        /// Its value.
        got: String,
        /// Why.
        reason: &'static str,
        /// What to do, where the reason does not say it.
        todo: Option<&'static str>,
    },
    /// SpikingJelly's keys, behind which max-pools may stand.
    #[error(
        "{file}: {stages} stage(s) behind a {kernel}x{kernel} stem: SpikingJelly's max_resnet18 has the same keys as its \
         MSResNet, and no tensor tells its max-pools"
    )]
    MayPool {
        /// Path.
        file: String,
        /// Stages.
        stages: usize,
        /// Side of the stem's kernel.
        kernel: usize,
        /// Path of the constants file.
        toml: String,
    },
    /// T of the constants and of the temporal attention differ.
    #[error("{file}: the constants say T = {constants}, but `{tensor}` has shape {shape:?}, which is T = {tensors}")]
    TimestepsDisagree {
        /// Path.
        file: String,
        /// T in the constants.
        constants: usize,
        /// The tensor that decides.
        tensor: String,
        /// Its extents.
        shape: Vec<usize>,
        /// T of its extents.
        tensors: usize,
    },
    /// The constants say another coding than the keys.
    #[error("{file}: field `coding` says {said:?}, but the file {keys}")]
    EncoderDisagrees {
        /// Path.
        file: String,
        /// The coding that is said.
        said: &'static str,
        /// What the keys say.
        keys: String,
    },
    /// The parts are whole but do not fit together.
    #[error("{file}: {source}")]
    DoesNotFit {
        /// Path.
        file: String,
        /// What does not fit.
        #[source]
        source: GraphError,
    },
}

/// The first keys of so many.
fn some(keys: &[String], count: usize) -> String {
    let all = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    if count > keys.len() {
        all + ", ..."
    } else {
        all
    }
}

impl Failure for ImportError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NotAFile { .. } => Some("give the path of a .safetensors or .pth file".into()),
            Self::Empty { .. } => Some("export the model again".into()),
            Self::TooLarge { .. } => Some("is this the right file?".into()),
            Self::NotSafetensors { todo, .. } => Some((*todo).into()),
            Self::Corrupt { .. } => Some("copy or export it again".into()),
            Self::SeveralNetworks { .. } => Some("choose one with --weights KEY".into()),
            Self::NoSuchWeights { found, .. } => {
                let keys = if found.is_empty() { "no key".to_owned() } else { found.join(", ") };
                Some(format!("it has them under {keys}: name one with --weights KEY, or leave it out").into())
            }
            Self::KeyCollision { .. } => Some("remove the one that is not the network's".into()),
            Self::StrangeTensor { .. } => Some("is it a network's checkpoint?".into()),
            Self::NoTensors { .. } => Some("export the whole state_dict".into()),
            Self::PresetDoesNotFit { toml, .. } => {
                Some(format!("say the constants in {toml} instead").into())
            }
            Self::UnknownKeys { .. } => Some(
                "remove them, rename them to it, or read the keys under one prefix alone with \
                 --weights PREFIX"
                    .into(),
            ),
            Self::MissingKey { advice, .. } => Some(advice.clone().into()),
            Self::WrongShape { .. } => Some("is it the layer its key says?".into()),
            Self::WrongDtype { is_tensor: true, .. } => Some("export it with .float()".into()),
            Self::WrongDtype { is_tensor: false, .. } => Some(
                "save the model's own state_dict(), or make it a tensor: torch.as_tensor(value).float()"
                    .into(),
            ),
            Self::NotFinite { .. } => {
                Some("training diverged or the file is damaged: export an earlier checkpoint".into())
            }
            Self::NegativeVariance { .. } => Some("export it again".into()),
            Self::NotPositive { .. } => {
                Some("export the trained steps, or leave them out: then steps are chosen".into())
            }
            Self::AliasDisagrees { .. } => {
                Some("export the state_dict again, or remove the alias that is wrong".into())
            }
            Self::NoConstants { toml, presets, example, .. } => {
                Some(format!("give {presets}, or write {toml}:\n\n{example}").into())
            }
            Self::BadConstants { example, .. } => {
                Some(format!("correct it; a whole example:\n\n{example}").into())
            }
            Self::Bytes { field, divided, .. } => Some(format!("divide by 255: {field} = {divided}").into()),
            Self::MissingField { example, .. } => Some(format!("add it, for example: {example}").into()),
            Self::OtherNetwork { .. } => Some(READ.into()),
            Self::UnsupportedLayout { todo, .. } => Some((*todo).into()),
            Self::Unsupported { todo, .. } => todo.map(Cow::Borrowed),
            Self::MayPool { toml, .. } => Some(
                format!(
                    "max-pools are not supported; if the network has none, say so in {toml}: pool = \"none\""
                )
                .into(),
            ),
            Self::PresetDisagrees { .. } => Some("leave out one of them".into()),
            Self::ConstantsDisagree { .. } => Some("correct or remove one of them".into()),
            Self::TimestepsDisagree { constants, .. } => Some(
                format!(
                    "correct T in the constants, or export the checkpoint that was trained at T = \
                     {constants}"
                )
                .into(),
            ),
            Self::EncoderDisagrees { .. } => Some(
                "correct or remove `coding`, or export the state_dict of the model that was trained".into(),
            ),
            Self::DoesNotFit { source, .. } => source.help(),
            Self::Io { .. } | Self::Checkpoint { .. } | Self::BadField { .. } => None,
        }
    }
}
