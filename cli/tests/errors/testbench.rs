//! Errors of testbench, one of each variant.

use spikegate_golden::trace::TraceError;
use spikegate_golden::GoldenError;
use spikegate_runtime::session::SessionError;
use spikegate_testbench::check::CheckError;
use spikegate_testbench::data::DataError;
use spikegate_testbench::shard::{MergeError, ShardError};

use super::{invalid, io, list, Listed};

pub fn all() -> Vec<Listed> {
    vec![
        list(
            "GoldenError",
            include_str!("../../../testbench/golden/src/error.rs"),
            [
                GoldenError::Invalid(invalid()),
                GoldenError::Pixels { got: 3, expected: 4 },
                GoldenError::Accumulator { node: "NODE".into(), channel: 8, value: 6 },
            ],
        ),
        list(
            "TraceError",
            include_str!("../../../testbench/golden/src/trace/error.rs"),
            [
                TraceError::Count { got: 3, expected: 4 },
                TraceError::Word { tensor: "TENSOR".into(), field: "FIELD", got: 3, expected: 4 },
                TraceError::Stray { tensor: "TENSOR".into(), word: 5, bits: 5 },
                TraceError::Wide { tensor: "TENSOR".into(), word: 5, value: 6, bits: 5 },
                TraceError::Plan { tensor: "TENSOR".into(), what: "WHAT" },
                TraceError::Missing { tensor: "TENSOR".into() },
            ],
        ),
        list(
            "DataError",
            include_str!("../../../testbench/src/data/error.rs"),
            [
                DataError::Io { path: "PATH".into(), source: io() },
                DataError::BadMagic { path: "PATH".into(), got: "GOT".into(), expected: "EXPECTED" },
                DataError::Truncated { path: "PATH".into(), what: "WHAT".into(), expected: 4, got: 3 },
                DataError::SizesDisagree { path: "PATH".into(), expected: "EXPECTED".into(), got: 3 },
                DataError::TooLarge { path: "PATH".into(), bytes: 6, limit: 9 },
                DataError::TooManyImages { path: "PATH".into(), images: 7, bytes: 6, limit: 9 },
                DataError::TooManyTaken { path: "PATH".into(), images: 7, bytes: 6, limit: 9 },
                DataError::TooManyFiles { path: "PATH".into(), limit: 9 },
                DataError::NotAFile { path: "PATH".into(), what: "WHAT" },
                DataError::BadGzip { path: "PATH".into(), what: "WHAT".into() },
                DataError::BadBatch { path: "PATH".into(), what: "WHAT".into() },
                DataError::NoPictures { path: "PATH".into(), label: 6, holds: "HOLDS".into() },
                DataError::UnknownClass { path: "PATH".into(), beside: "BESIDE".into() },
                DataError::SameNumber { first: "FIRST".into(), second: "SECOND".into() },
                DataError::TooManyClasses { count: 6 },
                DataError::LabelOutside { path: "PATH".into(), index: 6, label: 6, classes: 8, todo: "TODO" },
                DataError::Several {
                    first: Box::new(DataError::TooManyClasses { count: 70_000 }),
                    count: 6,
                    of: 7,
                    names: "NAMES".into(),
                },
                DataError::LabelCount {
                    path: "PATH".into(),
                    labels: 7,
                    images_path: "IMAGES_PATH".into(),
                    images: 7,
                },
                DataError::BadLabel { path: "PATH".into(), index: 6, label: 6, classes: 8 },
                DataError::WrongImageSize { path: "PATH".into(), expected: [1, 2, 3], got: [1, 2, 3] },
                DataError::MixedSizes { path: "PATH".into(), expected: [1, 2, 3], got: [1, 2, 3] },
                DataError::BadImage { path: "PATH".into(), reason: "REASON".into() },
                DataError::Unsupported { path: "PATH".into(), what: "WHAT".into(), todo: "TODO" },
                DataError::NothingFound { path: "PATH".into(), holds: "HOLDS".into(), files: "FILES".into() },
                DataError::BadArray { path: "PATH".into(), what: "WHAT".into() },
                DataError::SeveralSets { path: "PATH".into(), names: "NAMES".into() },
                DataError::NoSuchImage { path: "PATH".into(), index: 6, len: 8 },
            ],
        ),
        list(
            "CheckError",
            include_str!("../../../testbench/src/check.rs"),
            [
                CheckError::Session(SessionError::Idle),
                CheckError::Golden(GoldenError::Invalid(invalid())),
                CheckError::Trace(TraceError::Count { got: 3, expected: 4 }),
            ],
        ),
        list(
            "ShardError",
            include_str!("../../../testbench/src/shard/error.rs"),
            [
                ShardError::NotAShard { given: "GIVEN".into() },
                ShardError::Outside { index: 5, of: 4 },
                ShardError::Unset { variable: "VARIABLE" },
                ShardError::NoNumber { variable: "VARIABLE", value: "VALUE".into() },
                ShardError::Unequal { what: "WHAT".into() },
            ],
        ),
        list(
            "MergeError",
            include_str!("../../../testbench/src/shard/error.rs"),
            [
                MergeError::Read { path: "PATH".into(), source: io() },
                MergeError::Damaged { path: "PATH".into(), what: "WHAT".into() },
                MergeError::Version { path: "PATH".into(), got: 3, expected: 4 },
                MergeError::Verb {
                    path: "PATH".into(),
                    got: "GOT".into(),
                    first: "FIRST".into(),
                    expected: "EXPECTED".into(),
                },
                MergeError::Count { path: "PATH".into(), got: 3, first: "FIRST".into(), expected: 4 },
                MergeError::Run {
                    path: "PATH".into(),
                    what: "WHAT".into(),
                    got: "GOT".into(),
                    first: "FIRST".into(),
                    expected: "EXPECTED".into(),
                },
                MergeError::Overlap { path: "PATH".into(), other: "OTHER".into(), index: 6, of: 7 },
                MergeError::Gap { missing: 5, of: 7, indexes: "INDEXES".into() },
            ],
        ),
    ]
}
