//! Everything that can be wrong with a model file.

use crate::graph::GraphError;

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
    #[error("{file}: not a regular file; give the path of a .safetensors file")]
    NotAFile {
        /// Path.
        file: String,
    },
    /// No bytes.
    #[error("{file}: the file is empty; export the model again")]
    Empty {
        /// Path.
        file: String,
    },
    /// Larger than any network of this form.
    #[error("{file}: {bytes} bytes, at most {limit} are read; is this the right file?")]
    TooLarge {
        /// Path.
        file: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Another format, recognised by its first bytes.
    #[error("{file}: this is {what}, expected safetensors; {todo}")]
    NotSafetensors {
        /// Path.
        file: String,
        /// What it is.
        what: &'static str,
        /// How to convert it.
        todo: &'static str,
    },
    /// The safetensors structure is damaged.
    #[error("{file}: not a whole safetensors file ({bytes} bytes): {reason}; copy or export it again")]
    Corrupt {
        /// Path.
        file: String,
        /// Its size.
        bytes: usize,
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
    /// A preset that does not suit the network.
    #[error(
        "{file}: preset {preset} has {expected}, the file has {got}; say the constants in {toml} instead"
    )]
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
    #[error("{file}: {layout} (key `{key}`): {reason}")]
    UnsupportedLayout {
        /// Path.
        file: String,
        /// Which layout.
        layout: &'static str,
        /// A key that gives it away.
        key: String,
        /// Why it is refused, and what to do.
        reason: &'static str,
    },
    /// Keys that belong to no layer.
    #[error(
        "{file}: {count} unknown key(s): {}{}; expected the key layout of the authors' CIFAR code (conv1, bn1, \
         encoding, layerL.B, fc1): remove them, or rename them to it",
        keys.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", "),
        if *count > keys.len() { ", ..." } else { "" }
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
    #[error("{file}: tensor `{key}` is missing ({expected}){}; export the whole state_dict", hint(.alias))]
    MissingKey {
        /// Path.
        file: String,
        /// Canonical key.
        key: String,
        /// Its expected shape, or what it decides.
        expected: String,
        /// An alias of it that is there.
        alias: Option<String>,
    },
    /// A tensor with the wrong extents.
    #[error(
        "{file}: tensor `{tensor}` has shape {got:?}, expected {expected}; is it the layer its key says?"
    )]
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
    /// A tensor that is not floating point.
    #[error("{file}: tensor `{tensor}` is {got}, expected F32 (F64, F16 and BF16 are converted); export it with .float()")]
    WrongDtype {
        /// Path.
        file: String,
        /// Key.
        tensor: String,
        /// Type found.
        got: String,
    },
    /// NaN or infinity.
    #[error(
        "{file}: tensor `{tensor}`[{index}] is {value}, expected a finite number; training diverged or the file is \
         damaged: export an earlier checkpoint"
    )]
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
    #[error(
        "{file}: tensor `{tensor}`[{index}] is {value}, expected a variance, never negative; export it again"
    )]
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
    /// Two names of one tensor that hold different bytes.
    #[error(
        "{file}: `{alias}` differs from `{canonical}` {what}: they are two names of one tensor in the authors' code, \
         expected to be bitwise equal; export the state_dict again, or remove the alias that is wrong"
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
        "{file}: the network's constants are not in the file (metadata key `gac`) and {toml} does not exist; write \
         {toml}, for example:\n{}",
        super::EXAMPLE_TOML
    )]
    NoConstants {
        /// Path of the model.
        file: String,
        /// Path where they may be.
        toml: String,
    },
    /// Constants that do not parse.
    #[error("{place}: {reason}; expected, for example:\n{example}")]
    BadConstants {
        /// File, and metadata key if any.
        place: String,
        /// What the parser said.
        reason: String,
        /// A whole example in the same syntax.
        example: &'static str,
    },
    /// A constant that nobody gives.
    #[error("{place}: field `{field}` is missing ({meaning}); add it, for example: {example}")]
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
        /// Its range, with what to do.
        expected: String,
    },
    /// Metadata and TOML say different things.
    #[error("field `{field}`: {file} says {in_file}, {toml} says {in_toml}; correct or remove one of them")]
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
        /// Why, and what to do.
        reason: &'static str,
    },
    /// T of the constants and of the temporal attention differ.
    #[error(
        "{file}: the constants say T = {constants}, but `{tensor}` has shape {shape:?}, which is T = {tensors}; \
         correct T in the constants, or export the checkpoint that was trained at T = {constants}"
    )]
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
    #[error(
        "{file}: field `coding` says {said:?}, but the file {keys}; correct or remove `coding`, or export the \
         state_dict of the model that was trained"
    )]
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

fn hint(alias: &Option<String>) -> String {
    alias.as_ref().map_or_else(String::new, |a| {
        format!("; its alias `{a}` is there, but only the canonical key is read")
    })
}
