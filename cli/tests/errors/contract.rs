//! Errors of contract, one of each variant.

use spikegate_contract::array::ArrayError;
use spikegate_contract::bundle::BundleError;
use spikegate_contract::frame::FrameError;
use spikegate_contract::instr::FieldOverflow;
use spikegate_hdl::lang::verilog::LintError;

use super::{invalid, io, json, list, Listed};

pub fn all() -> Vec<Listed> {
    vec![
        list(
            "ArrayError",
            include_str!("../../../hdl/contract/src/array/config.rs"),
            [ArrayError::Size { field: "FIELD", got: 3, expected: "EXPECTED".into() }],
        ),
        list(
            "BundleError",
            include_str!("../../../hdl/contract/src/bundle/error.rs"),
            [
                BundleError::Io { path: "PATH".into(), source: io() },
                BundleError::NotAFile { path: "PATH".into() },
                BundleError::TooLarge { path: "PATH".into(), got: 3, most: 9 },
                BundleError::Json { path: "PATH".into(), source: json() },
                BundleError::Unprintable { path: "PATH".into(), text: "TEXT".into() },
                BundleError::Prefix { path: "PATH".into(), got: "GOT".into() },
                BundleError::Version { path: "PATH".into(), got: 9 },
                BundleError::Files { path: "PATH".into(), got: "GOT".into() },
                BundleError::Size { path: "PATH".into(), got: 3, expected: 4 },
                BundleError::Hash { path: "PATH".into(), got: "GOT".into(), expected: "EXPECTED".into() },
                BundleError::Follows {
                    path: "PATH".into(),
                    field: "FIELD",
                    got: "GOT".into(),
                    expected: "EXPECTED".into(),
                },
                BundleError::Form { path: "PATH".into() },
                BundleError::Array {
                    path: "PATH".into(),
                    source: ArrayError::Size { field: "FIELD", got: 3, expected: "EXPECTED".into() },
                },
                BundleError::Network { path: "PATH".into(), source: invalid() },
                BundleError::Weights { path: "PATH".into(), got: 3, expected: 4 },
                BundleError::Neurons { path: "PATH".into(), node: "NODE".into() },
                BundleError::Plan {
                    path: "PATH".into(),
                    what: "WHAT".into(),
                    got: 3,
                    expected: "EXPECTED".into(),
                },
                BundleError::Packets { path: "PATH".into() },
                BundleError::Text { path: "PATH".into() },
            ],
        ),
        list(
            "FrameError",
            include_str!("../../../hdl/contract/src/frame.rs"),
            [
                FrameError::Length { got: 3, expected: 4 },
                FrameError::Crc { got: 3, expected: 4 },
                FrameError::Number { got: 3, expected: 4 },
            ],
        ),
        list(
            "FieldOverflow",
            include_str!("../../../hdl/contract/src/instr.rs"),
            [FieldOverflow { field: "FIELD", value: 6, width: 6 }],
        ),
        list("Invalid", include_str!("../../../hdl/contract/src/network/validate.rs"), [invalid()]),
        list(
            "LintError",
            include_str!("../../../hdl/src/lang/verilog/output.rs"),
            [LintError { module: "MODULE".into(), problem: "PROBLEM".into() }],
        ),
    ]
}
