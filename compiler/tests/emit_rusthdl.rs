//! An emitted RustHDL crate builds without a network and prints the compiler's Verilog, and its modules are the
//! hardware: changing one changes the text.
#![allow(clippy::unwrap_used)]

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use spikegate_compiler::emit::rusthdl::{libraries, write_crate};
use spikegate_contract::array::ArrayConfig;

/// What the crate prints. Build results are kept between runs.
fn run(dir: &Path) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or(OsString::from("cargo"));
    let out = Command::new(cargo)
        .args(["run", "--offline"])
        .current_dir(dir)
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("rusthdl"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{errors}");
    assert!(!errors.contains("warning: `spikegate-design`"), "{errors}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn prints_the_same_verilog_until_a_module_is_changed() {
    // A fixed place: cargo knows a crate by its path, and builds one at another path anew.
    let dir = &Path::new(env!("CARGO_TARGET_TMPDIR")).join("rusthdl-crate");
    let _ = fs::remove_dir_all(dir);
    let mut array = ArrayConfig::new(2, 1, 4, 4).unwrap();
    array.weight_depth = 64;
    let (config, build) = (0x1234_5678, 0x9abc_def0);
    write_crate(dir, &array, config, build, &libraries(None).unwrap()).unwrap();
    let expected = spikegate_hdl::generate(&array, config, build).unwrap();
    assert!(run(dir) == expected, "the unchanged crate prints other Verilog");

    let neuron = dir.join("src/post/neuron.rs");
    let text = fs::read_to_string(&neuron).unwrap();
    let margin = "self.limit.val() - self.reached.val()";
    assert_eq!(text.matches(margin).count(), 1);
    fs::write(&neuron, text.replace(margin, "self.reached.val() - self.limit.val()")).unwrap();
    let changed = run(dir);
    let pairs = expected.lines().zip(changed.lines()).filter(|(old, new)| old != new);
    let different: Vec<_> = pairs.collect();
    assert_eq!(expected.lines().count(), changed.lines().count());
    let [(old, new)] = different[..] else { panic!("one line of hardware changes: {different:?}") };
    assert!(old.contains("limit") && new.contains("limit"), "{old} became {new}");
}
