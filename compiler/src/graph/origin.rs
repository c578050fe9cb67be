//! Where a network came from.

/// Something that was taken for granted, because nothing said it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Assumption {
    /// The constant, key or choice, e.g. `bn_eps`.
    pub what: String,
    /// What was taken for it.
    pub taken: String,
    /// Why, and how to say otherwise.
    pub why: String,
}

/// Where a network came from; never used in a computation.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Origin {
    /// Name of the model file without folder or extension.
    pub name: String,
    /// SHA-256 of that file; empty where there is none.
    pub sha256: String,
    /// Label of the training recipe, e.g. `cifar`.
    pub preset: String,
    /// Data set the network was trained on, where the file says it.
    pub dataset: Option<String>,
    /// Top-1 accuracy of the float network as the trainer measured it, 0 to 1.
    pub float_top1: Option<f64>,
    /// What made the file, where it says it.
    pub made: Option<String>,
    /// What was taken for granted when it was read.
    pub assumed: Vec<Assumption>,
}
