//! Parts of a data set.

/// Which part of a data set that has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Test images where there are any, else the training images.
    Default,
    /// Training images where there are any, else the test images.
    Calibration,
    /// Test images (`t10k-*`, `test_batch.bin`, `test.bin`, `test/`, `val/`).
    Test,
    /// Training images (`train-*`, `data_batch_*.bin`, `train.bin`, `train/`).
    Train,
}

impl Split {
    /// The parts to look for, in order.
    pub(super) fn wanted(self) -> &'static [Split] {
        match self {
            Split::Default => &[Split::Test, Split::Train],
            Split::Calibration => &[Split::Train, Split::Test],
            Split::Test => &[Split::Test],
            Split::Train => &[Split::Train],
        }
    }

    pub(super) fn name(self) -> &'static str {
        if self == Split::Train {
            "training"
        } else {
            "test"
        }
    }

    /// Folders of it, the first that is there.
    pub(super) fn folders(self) -> &'static [&'static str] {
        if self == Split::Train {
            &["train"]
        } else {
            &["test", "val", "valid", "validation"]
        }
    }
}
