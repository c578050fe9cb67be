//! CIFAR's two forms, and what a file of either holds.

/// Bytes of an image.
pub(super) const PIXELS: usize = 3 * 32 * 32;

/// Label bytes before the pixels of a record, and the classes of the last of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Form {
    pub label_bytes: usize,
    pub classes: u16,
}

pub(super) const CIFAR10: Form = Form { label_bytes: 1, classes: 10 };
pub(super) const CIFAR100: Form = Form { label_bytes: 2, classes: 100 };

impl Form {
    /// Bytes of a record.
    pub fn record(self) -> usize {
        self.label_bytes + PIXELS
    }
}

/// Images and labels of a file.
pub(super) struct Part {
    pub pixels: Vec<u8>,
    pub labels: Vec<u8>,
}
