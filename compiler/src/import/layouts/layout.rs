//! What a key layout is.

/// How a program that trains networks of this form names its tensors. Everything behind this module knows the canonical keys, those of
/// the CIFAR layout; messages name the file's own.
#[derive(Debug)]
pub(in crate::import) struct Layout {
    /// What people call it.
    pub name: &'static str,
    /// Whether keys, without what wrappers put in front, are of it.
    pub recognise: fn(keys: &[&str]) -> bool,
    /// The canonical key of one of it.
    pub canonical: fn(&str) -> String,
    /// What the key of a canonical one is called in it.
    pub own: fn(&str) -> String,
}
