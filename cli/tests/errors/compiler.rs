//! Errors of compiler, one of each variant.

use spikegate_compiler::calibrate::CalibrateError;
use spikegate_compiler::emit::hardware::HardwareError;
use spikegate_compiler::emit::rusthdl::EmitError;
use spikegate_compiler::existing::{ExistingError, Lack, Part};
use spikegate_compiler::float::ImageSizeError;
use spikegate_compiler::graph::GraphError;
use spikegate_compiler::graph::{MapShape, Padding, Value};
use spikegate_compiler::import::ImportError;
use spikegate_compiler::plan::{Memory, PlanError};
use spikegate_compiler::quantise::EvaluateError;
use spikegate_compiler::quantise::QuantiseError;
use spikegate_compiler::write::WriteError;
use spikegate_compiler::CompileError;
use spikegate_contract::array::ArrayError;
use spikegate_contract::bundle::BundleError;
use spikegate_contract::instr::FieldOverflow;
use spikegate_golden::GoldenError;
use spikegate_hdl::lang::verilog::LintError;

use super::{invalid, io, json, list, Listed};

pub fn all() -> Vec<Listed> {
    vec![
        list(
            "ImportError",
            include_str!("../../../compiler/src/import/error.rs"),
            [
                ImportError::Io { file: "FILE".into(), source: io() },
                ImportError::NotAFile { file: "FILE".into(), what: "WHAT" },
                ImportError::Empty { file: "FILE".into() },
                ImportError::TooLarge { file: "FILE".into(), bytes: 6, limit: 9 },
                ImportError::NotSafetensors { file: "FILE".into(), what: "WHAT", todo: "TODO" },
                ImportError::Corrupt { file: "FILE".into(), bytes: 6, reason: "REASON".into() },
                ImportError::Checkpoint { file: "FILE".into(), reason: "REASON".into() },
                ImportError::SeveralNetworks { file: "FILE".into(), found: vec!["FOUND".into()] },
                ImportError::NoSuchWeights {
                    file: "FILE".into(),
                    wanted: "WANTED".into(),
                    found: vec!["FOUND".into()],
                },
                ImportError::KeyCollision {
                    file: "FILE".into(),
                    keys: ["A".into(), "B".into()],
                    key: "KEY".into(),
                },
                ImportError::StrangeTensor { file: "FILE".into(), key: "KEY".into(), length: 7, rank: 5 },
                ImportError::NoTensors { file: "FILE".into() },
                ImportError::PresetDoesNotFit {
                    file: "FILE".into(),
                    preset: "PRESET",
                    expected: "EXPECTED".into(),
                    got: "GOT".into(),
                    toml: "TOML".into(),
                },
                ImportError::UnsupportedLayout {
                    file: "FILE".into(),
                    layout: "LAYOUT",
                    key: "KEY".into(),
                    why: "WHY",
                    todo: "TODO",
                },
                ImportError::OtherNetwork { file: "FILE".into(), keys: vec!["KEY".into()], count: 2 },
                ImportError::UnknownKeys { file: "FILE".into(), keys: vec!["KEYS".into()], count: 6 },
                ImportError::MissingKey {
                    file: "FILE".into(),
                    key: "KEY".into(),
                    expected: "EXPECTED".into(),
                    advice: "ADVICE".into(),
                },
                ImportError::WrongShape {
                    file: "FILE".into(),
                    tensor: "TENSOR".into(),
                    expected: "EXPECTED".into(),
                    got: vec![2, 3],
                },
                ImportError::WrongDtype {
                    file: "FILE".into(),
                    tensor: "TENSOR".into(),
                    got: "GOT".into(),
                    is_tensor: true,
                },
                ImportError::WrongDtype {
                    file: "FILE".into(),
                    tensor: "TENSOR".into(),
                    got: "GOT".into(),
                    is_tensor: false,
                },
                ImportError::NotFinite { file: "FILE".into(), tensor: "TENSOR".into(), index: 6, value: 6.5 },
                ImportError::NegativeVariance {
                    file: "FILE".into(),
                    tensor: "TENSOR".into(),
                    index: 6,
                    value: 6.5,
                },
                ImportError::NotPositive {
                    file: "FILE".into(),
                    tensor: "TENSOR".into(),
                    index: 6,
                    value: -6.5,
                },
                ImportError::AliasDisagrees {
                    file: "FILE".into(),
                    canonical: "CANONICAL".into(),
                    alias: "ALIAS".into(),
                    what: "WHAT".into(),
                },
                ImportError::NoConstants {
                    file: "FILE".into(),
                    toml: "TOML".into(),
                    presets: "PRESETS",
                    example: "EXAMPLE".into(),
                },
                ImportError::BadConstants {
                    place: "PLACE".into(),
                    reason: "REASON".into(),
                    example: "EXAMPLE".into(),
                },
                ImportError::Bytes {
                    place: "PLACE".into(),
                    field: "FIELD",
                    got: "GOT".into(),
                    expected: "EXPECTED".into(),
                    divided: "DIVIDED".into(),
                },
                ImportError::MissingField {
                    place: "PLACE".into(),
                    field: "FIELD",
                    meaning: "MEANING",
                    example: "EXAMPLE",
                },
                ImportError::BadField {
                    place: "PLACE".into(),
                    field: "FIELD",
                    got: "GOT".into(),
                    expected: "EXPECTED".into(),
                },
                ImportError::PresetDisagrees {
                    place: "PLACE".into(),
                    got: "GOT".into(),
                    asked: "ASKED".into(),
                },
                ImportError::ConstantsDisagree {
                    file: "FILE".into(),
                    toml: "TOML".into(),
                    field: "FIELD",
                    in_file: "IN_FILE".into(),
                    in_toml: "IN_TOML".into(),
                },
                ImportError::Unsupported {
                    place: "PLACE".into(),
                    field: "FIELD",
                    got: "GOT".into(),
                    reason: "REASON",
                    todo: Some("TODO"),
                },
                ImportError::MayPool { file: "FILE".into(), stages: 3, kernel: 3, toml: "TOML".into() },
                ImportError::TimestepsDisagree {
                    file: "FILE".into(),
                    constants: 6,
                    tensor: "TENSOR".into(),
                    shape: vec![2, 3],
                    tensors: 8,
                },
                ImportError::EncoderDisagrees { file: "FILE".into(), said: "SAID", keys: "KEYS".into() },
                ImportError::DoesNotFit { file: "FILE".into(), source: GraphError::OneTimestep },
            ],
        ),
        list(
            "GraphError",
            include_str!("../../../compiler/src/graph/error.rs"),
            [
                GraphError::OutOfRange {
                    what: "WHAT".into(),
                    expected: "EXPECTED".into(),
                    got: "GOT".into(),
                },
                GraphError::Shape {
                    node: "NODE".into(),
                    what: "WHAT",
                    expected: vec![2, 3],
                    got: vec![2, 3],
                },
                GraphError::Reads {
                    node: "NODE".into(),
                    source_name: "SOURCE".into(),
                    got: Value::timed(MapShape { c: 1, h: 2, w: 3 }),
                    expected: "EXPECTED",
                },
                GraphError::MapVanishes {
                    node: "NODE".into(),
                    kernel: 7,
                    stride: 7,
                    input: MapShape { c: 1, h: 2, w: 3 },
                },
                GraphError::UnequalSummands {
                    node: "NODE".into(),
                    first: MapShape { c: 1, h: 2, w: 3 },
                    second: MapShape { c: 1, h: 2, w: 4 },
                },
                GraphError::Padding {
                    node: "NODE".into(),
                    kernel: 7,
                    expected: Padding { before: 1, after: 1 },
                    got: Padding { before: 1, after: 2 },
                },
                GraphError::BadNumber {
                    node: "NODE".into(),
                    what: "WHAT",
                    index: 6,
                    value: 6.5,
                    expected: "EXPECTED",
                },
                GraphError::OneTimestep,
            ],
        ),
        list(
            "ImageSizeError",
            include_str!("../../../compiler/src/float/input.rs"),
            [ImageSizeError { input: MapShape { c: 1, h: 2, w: 3 }, got: 3 }],
        ),
        list(
            "CalibrateError",
            include_str!("../../../compiler/src/calibrate.rs"),
            [
                CalibrateError::Graph(GraphError::OneTimestep),
                CalibrateError::Image(ImageSizeError { input: MapShape { c: 1, h: 2, w: 3 }, got: 3 }),
            ],
        ),
        list(
            "QuantiseError",
            include_str!("../../../compiler/src/quantise/error.rs"),
            [
                QuantiseError::Graph(GraphError::OneTimestep),
                QuantiseError::NotCalibrated { tensor: "TENSOR".into() },
                QuantiseError::Option { what: "WHAT", got: 3, expected: "EXPECTED" },
                QuantiseError::NoLayer { name: "NAME".into(), layers: vec!["LAYER".into()] },
                QuantiseError::Budget { budget: 3, least: 5 },
                QuantiseError::Range { tensor: "TENSOR".into(), reach: 6.5, limit: 9.5 },
                QuantiseError::Operand {
                    node: "NODE".into(),
                    operand: "OPERAND".into(),
                    got: "GOT",
                    expected: "EXPECTED",
                },
            ],
        ),
        list(
            "EvaluateError",
            include_str!("../../../compiler/src/quantise/evaluate.rs"),
            [
                EvaluateError::Graph(GraphError::OneTimestep),
                EvaluateError::Quantise(QuantiseError::NotCalibrated { tensor: "TENSOR".into() }),
                EvaluateError::Image(ImageSizeError { input: MapShape { c: 1, h: 2, w: 3 }, got: 3 }),
                EvaluateError::Golden(GoldenError::Invalid(invalid())),
            ],
        ),
        list(
            "PlanError",
            include_str!("../../../compiler/src/plan/error.rs"),
            [
                PlanError::Array(ArrayError::Size { field: "FIELD", got: 3, expected: "EXPECTED".into() }),
                PlanError::TooSmall { memory: Memory::Code, needed: 7, available: 6 },
                PlanError::TooLarge { memory: Memory::Code, needed: 7, limit: 9 },
                PlanError::OnChip { needed: 7, available: 6, port: true },
                PlanError::Batch {
                    images: 7,
                    fits: 5,
                    source: Box::new(PlanError::BatchSize { images: 3, most: 2 }),
                },
                PlanError::BatchSize { images: 7, most: 9 },
                PlanError::Latency { got: 70000, most: 65535 },
                PlanError::Bandwidth { bytes_per_1000_cycles: 6, port: 5 },
                PlanError::Field {
                    node: "NODE".into(),
                    source: FieldOverflow { field: "FIELD", value: 6, width: 6 },
                },
                PlanError::Limit {
                    node: "NODE".into(),
                    what: "WHAT",
                    got: 3,
                    expected: "EXPECTED".into(),
                    todo: "TODO",
                },
                PlanError::Invalid(invalid()),
                PlanError::Layers { what: "WHAT".into(), todo: "TODO".into() },
                PlanError::Unsupported {
                    node: "NODE".into(),
                    got: "GOT".into(),
                    expected: "EXPECTED",
                    todo: "TODO".into(),
                },
                PlanError::Sums { needed: 7, available: 6 },
                PlanError::Neurons { node: "NODE".into() },
                PlanError::Accumulator { node: "NODE".into(), channel: 8, reach: 6 },
                PlanError::Other { dir: "DIR".into() },
            ],
        ),
        list(
            "HardwareError",
            include_str!("../../../compiler/src/emit/hardware.rs"),
            [
                HardwareError::Lint(LintError { module: "MODULE".into(), problem: "PROBLEM".into() }),
                HardwareError::Prefix { got: "GOT".into() },
                HardwareError::Hash { path: "PATH".into(), got: "GOT".into(), expected: "EXPECTED".into() },
                HardwareError::Other {
                    path: "PATH".into(),
                    line: 5,
                    got: "GOT".into(),
                    expected: "EXPECTED".into(),
                },
            ],
        ),
        list(
            "EmitError",
            include_str!("../../../compiler/src/emit/rusthdl/error.rs"),
            [
                EmitError::Moved { path: "PATH".into() },
                EmitError::NoLibraries { path: "PATH".into(), missing: "MISSING".into() },
                EmitError::NotText { path: "PATH".into() },
                EmitError::NotACrate { path: "PATH".into() },
                EmitError::Busy { path: "PATH".into() },
                EmitError::Edited { path: "PATH".into(), what: "WHAT" },
                EmitError::Io { what: "WHAT", path: "PATH".into(), source: io() },
            ],
        ),
        list(
            "WriteError",
            include_str!("../../../compiler/src/write.rs"),
            [
                WriteError::NotAFolder { path: "PATH".into() },
                WriteError::NotADesign { path: "PATH".into() },
                WriteError::IsAFolder { path: "PATH".into() },
                WriteError::Busy { path: "PATH".into() },
                WriteError::Io { what: "WHAT", path: "PATH".into(), source: io() },
                WriteError::Changed { path: "PATH".into() },
                WriteError::Bundle(Box::new(BundleError::Io { path: "PATH".into(), source: io() })),
                WriteError::Json(json()),
            ],
        ),
        list(
            "ExistingError",
            include_str!("../../../compiler/src/existing.rs"),
            [
                ExistingError::Small(vec![
                    Lack { what: Part::Memory(Memory::Spike), needed: 7, available: 4 },
                    Lack { what: Part::Memory(Memory::Ring), needed: 9, available: 8 },
                    Lack { what: Part::Sums, needed: 28, available: 27 },
                ]),
                ExistingError::Plan(PlanError::BatchSize { images: 3, most: 2 }),
            ],
        ),
        list(
            "CompileError",
            include_str!("../../../compiler/src/compile.rs"),
            [
                CompileError::Calibrate(CalibrateError::Graph(GraphError::OneTimestep)),
                CompileError::Quantise(QuantiseError::NotCalibrated { tensor: "TENSOR".into() }),
                CompileError::Evaluate(EvaluateError::Graph(GraphError::OneTimestep)),
                CompileError::Plan(PlanError::BatchSize { images: 3, most: 2 }),
                CompileError::Existing(ExistingError::Plan(PlanError::BatchSize { images: 3, most: 2 })),
                CompileError::Hardware(HardwareError::Other {
                    path: "PATH".into(),
                    line: 5,
                    got: "GOT".into(),
                    expected: "EXPECTED".into(),
                }),
            ],
        ),
    ]
}
