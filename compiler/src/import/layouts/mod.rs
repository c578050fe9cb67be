//! Key layouts that are read, a file each. Another one is a file and a line in [`TABLE`].

mod cifar;
mod imagenet;
mod layout;
mod spikingjelly;

pub(super) use layout::Layout;

/// All layouts; the first that recognises a file's keys has it.
static TABLE: [&Layout; 3] = [&imagenet::IMAGENET, &spikingjelly::SPIKINGJELLY, &cifar::CIFAR];

/// The layout of keys without what wrappers put in front.
pub(super) fn of(keys: &[&str]) -> &'static Layout {
    TABLE.into_iter().find(|layout| (layout.recognise)(keys)).unwrap_or(canonical())
}

/// The layout whose keys are the canonical ones.
pub(super) fn canonical() -> &'static Layout {
    &cifar::CIFAR
}
