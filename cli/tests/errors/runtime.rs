//! Errors of runtime, one of each variant.

use spikegate_contract::csr::MemoryStatus;
use spikegate_contract::frame::FrameError;
use spikegate_golden::trace::TraceError;
use spikegate_golden::GoldenError;
use spikegate_runtime::cache::CacheError;
use spikegate_runtime::card::CardError;
use spikegate_runtime::conformance::ConformanceError;
use spikegate_runtime::device::DeviceError;
use spikegate_runtime::devices::golden::GoldenDeviceError;
use spikegate_runtime::devices::verilator::BuildError;
use spikegate_runtime::devices::OpenError;
use spikegate_runtime::identity::Mismatch;
use spikegate_runtime::session::SessionError;

use super::{invalid, io, list, Listed};

pub fn all() -> Vec<Listed> {
    vec![
        list(
            "DeviceError",
            include_str!("../../../runtime/src/device.rs"),
            [
                DeviceError::Timeout {
                    device: "DEVICE".into(),
                    what: "WHAT".into(),
                    waited: 7,
                    at: 7,
                    detail: "DETAIL".into(),
                },
                DeviceError::Register {
                    device: "DEVICE".into(),
                    access: "ACCESS".into(),
                    register: "REGISTER".into(),
                    offset: 7,
                    got: "GOT".into(),
                    expected: "EXPECTED".into(),
                },
                DeviceError::Stopped { device: "DEVICE".into(), at: 7, message: "MESSAGE".into() },
                DeviceError::Gone { device: "DEVICE".into(), what: "WHAT".into(), magic: 6 },
                DeviceError::Io { device: "DEVICE".into(), action: "ACTION".into(), source: io() },
                DeviceError::Engine {
                    device: "DEVICE".into(),
                    block: "BLOCK".into(),
                    at: 7,
                    got: 3,
                    expected: 4,
                },
                DeviceError::Transfer {
                    device: "DEVICE".into(),
                    channel: "CHANNEL".into(),
                    status: 7,
                    said: "SAID".into(),
                    descriptor: 7,
                    address: 8,
                },
                DeviceError::Diverged {
                    device: "DEVICE".into(),
                    path: "PATH".into(),
                    line: 7,
                    recorded: "RECORDED".into(),
                    asked: "ASKED".into(),
                },
                DeviceError::Recording {
                    device: "DEVICE".into(),
                    path: "PATH".into(),
                    line: 7,
                    what: "WHAT".into(),
                },
                DeviceError::Empty { device: "DEVICE".into() },
                DeviceError::Wave { device: "DEVICE".into(), path: "PATH".into(), message: "MESSAGE".into() },
            ],
        ),
        list(
            "Mismatch",
            include_str!("../../../runtime/src/identity.rs"),
            [
                Mismatch::Magic { device: "DEVICE".into(), got: 3 },
                Mismatch::Version { device: "DEVICE".into(), got: 3, expected: 4 },
                Mismatch::Manifest { got: 3 },
                Mismatch::Config {
                    device: "DEVICE".into(),
                    got: 3,
                    expected: 4,
                    got_array: "GOT_ARRAY".into(),
                    expected_array: "EXPECTED_ARRAY".into(),
                },
            ],
        ),
        list(
            "CacheError",
            include_str!("../../../runtime/src/cache.rs"),
            [
                CacheError::Io { path: "PATH".into(), source: io() },
                CacheError::NotAFolder { path: "PATH".into() },
                CacheError::Owner { path: "PATH".into(), owner: 6, user: 5 },
                CacheError::Shared { path: "PATH".into(), mode: 5 },
            ],
        ),
        list(
            "GoldenDeviceError",
            include_str!("../../../runtime/src/devices/golden/error.rs"),
            [GoldenDeviceError::Network {
                dir: "DIR".into(),
                source: Box::new(GoldenError::Invalid(invalid())),
            }],
        ),
        list(
            "BuildError",
            include_str!("../../../runtime/src/devices/verilator/error.rs"),
            [
                BuildError::MissingTool { tool: "TOOL".into(), package: "PACKAGE", source: io() },
                BuildError::OldTool { tool: "TOOL".into(), got: "GOT".into(), expected: "EXPECTED" },
                BuildError::BrokenTool {
                    tool: "TOOL".into(),
                    command: "COMMAND".into(),
                    got: "GOT".into(),
                    help: "HELP".into(),
                },
                BuildError::Tool {
                    step: "STEP",
                    tool: "TOOL".into(),
                    name: "NAME".into(),
                    log: "LOG".into(),
                    help: "HELP",
                },
                BuildError::Cache(CacheError::Io { path: "PATH".into(), source: io() }),
                BuildError::Load { name: "NAME".into(), cache: "CACHE".into(), message: "MESSAGE".into() },
            ],
        ),
        list(
            "OpenError",
            include_str!("../../../runtime/src/devices/error.rs"),
            [
                OpenError::NotThere { device: "DEVICE".into(), path: "PATH".into() },
                OpenError::Io { device: "DEVICE".into(), action: "ACTION", source: io() },
                OpenError::Unsuitable { device: "DEVICE".into(), what: "WHAT".into() },
                OpenError::Busy { device: "DEVICE".into(), holder: "HOLDER".into() },
                OpenError::Ids { device: "DEVICE".into(), vendor: 7, id: 7 },
                OpenError::NotBound {
                    device: "DEVICE".into(),
                    driver: "DRIVER".into(),
                    address: "ADDRESS".into(),
                },
                OpenError::Protocol { device: "DEVICE".into(), action: "ACTION", cause: "CAUSE".into() },
                OpenError::NoDesign("DEVICE".into()),
                OpenError::Hardware(Box::new(BuildError::MissingTool {
                    tool: "TOOL".into(),
                    package: "PACKAGE",
                    source: io(),
                })),
                OpenError::Golden(GoldenDeviceError::Network {
                    dir: "DIR".into(),
                    source: Box::new(GoldenError::Invalid(invalid())),
                }),
                OpenError::Build(BuildError::MissingTool {
                    tool: "TOOL".into(),
                    package: "PACKAGE",
                    source: io(),
                }),
                OpenError::Device(DeviceError::Timeout {
                    device: "DEVICE".into(),
                    what: "WHAT".into(),
                    waited: 7,
                    at: 7,
                    detail: "DETAIL".into(),
                }),
            ],
        ),
        list(
            "SessionError",
            include_str!("../../../runtime/src/session/error.rs"),
            [
                SessionError::Device(DeviceError::Timeout {
                    device: "DEVICE".into(),
                    what: "WHAT".into(),
                    waited: 7,
                    at: 7,
                    detail: "DETAIL".into(),
                }),
                SessionError::Hang {
                    source: Box::new(DeviceError::Timeout {
                        device: "DEVICE".into(),
                        what: "WHAT".into(),
                        waited: 7,
                        at: 7,
                        detail: "DETAIL".into(),
                    }),
                    status: "STATUS".into(),
                },
                SessionError::Frame {
                    device: "DEVICE".into(),
                    what: "WHAT".into(),
                    source: FrameError::Length { got: 3, expected: 4 },
                },
                SessionError::Mismatch(Mismatch::Magic { device: "DEVICE".into(), got: 3 }),
                SessionError::BoardMemory {
                    device: "DEVICE".into(),
                    status: MemoryStatus::NoWindow { lanes: 3 },
                },
                SessionError::ReadBack { device: "DEVICE".into(), register: "REGISTER", got: 3, expected: 4 },
                SessionError::Sticky { device: "DEVICE".into(), value: 6, after: "AFTER".into() },
                SessionError::Image { got: 3, expected: 4, shape: [1, 2, 3] },
                SessionError::Idle,
                SessionError::Packet {
                    device: "DEVICE".into(),
                    sequence: 5,
                    field: "FIELD",
                    got: "GOT".into(),
                    expected: "EXPECTED".into(),
                    words: vec![1, 2],
                },
            ],
        ),
        list(
            "CardError",
            include_str!("../../../runtime/src/card/error.rs"),
            [
                CardError::InUse { path: "PATH".into() },
                CardError::Socket { path: "PATH".into(), source: io() },
                CardError::TooLong { path: "PATH".into(), most: 9 },
                CardError::InTheWay { path: "PATH".into(), source: io() },
                CardError::Listen { path: "PATH".into(), source: io() },
            ],
        ),
        list(
            "ConformanceError",
            include_str!("../../../runtime/src/conformance/error.rs"),
            [
                ConformanceError::Differs { what: "WHAT".into() },
                ConformanceError::Open(OpenError::NotThere { device: "DEVICE".into(), path: "PATH".into() }),
                ConformanceError::Device(DeviceError::Empty { device: "DEVICE".into() }),
                ConformanceError::Session(SessionError::Idle),
                ConformanceError::Trace(TraceError::Count { got: 3, expected: 4 }),
                ConformanceError::Golden(GoldenError::Pixels { got: 3, expected: 4 }),
            ],
        ),
    ]
}
