//! The keys of the authors' CIFAR code, which are the canonical ones.

use super::layout::Layout;

/// The layout; it takes what no other does.
pub(in crate::import) static CIFAR: Layout =
    Layout { name: "CIFAR", recognise: |_| true, canonical: str::to_owned, own: str::to_owned };
