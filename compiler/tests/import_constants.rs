//! Constants that are missing, wrong, contradictory or not built.
#![allow(clippy::unwrap_used)]

mod import_support;

use import_support::{says, Checkpoint, GAC};
use spikegate_compiler::graph::Reset;
use spikegate_compiler::import::{self, ImportError};

const META: &str = "some/model.safetensors (metadata `gac`)";

fn with(gac: &str) -> Checkpoint {
    let mut c = Checkpoint::small();
    c.gac = Some(gac.to_owned());
    c
}

fn change(field: &str, value: &str) -> Checkpoint {
    let mut json: serde_json::Value = serde_json::from_str(GAC).unwrap();
    json[field] = serde_json::from_str(value).unwrap();
    with(&json.to_string())
}

#[test]
fn none_at_all() {
    let mut c = Checkpoint::small();
    c.gac = None;
    let e = c.refused(&[
        "some/model.safetensors",
        "some/model.toml does not exist",
        "--preset cifar",
        "strides = [2, 2]",
    ]);
    assert!(matches!(e, ImportError::NoConstants { .. }));
}

#[test]
fn each_missing_field() {
    for field in ["preset", "T", "leak", "threshold", "fire", "strides", "input", "mean", "std"] {
        let mut json: serde_json::Value = serde_json::from_str(GAC).unwrap();
        json.as_object_mut().unwrap().remove(field);
        let e = with(&json.to_string()).refused(&[
            META,
            &format!("`{field}` is missing"),
            &format!("{field} = "),
        ]);
        assert!(matches!(e, ImportError::MissingField { .. }));
    }
}

#[test]
fn text_that_does_not_parse() {
    for gac in ["", "{", "[]", "{\"T\": \"four\"}", "{\"T\": -4}", "{\"T\": 1e40}", "{\"taps\": 3}"] {
        assert!(
            matches!(with(gac).refused(&[META, "a whole example"]), ImportError::BadConstants { .. }),
            "{gac}"
        );
    }
    change("taps", "3").refused(&["unknown field `taps`", "`threshold`"]);
    let e = says(
        Checkpoint::small().import_with("lek = 0.5").unwrap_err(),
        &["some/model.toml", "unknown field `lek`"],
    );
    assert!(matches!(e, ImportError::BadConstants { .. }));
    says(Checkpoint::small().import_with("T = [").unwrap_err(), &["some/model.toml"]);
}

#[test]
fn values_out_of_range() {
    for (field, value, said) in [
        ("leak", "0.3", "power of two"),
        ("leak", "0", "power of two"),
        ("leak", "2", "power of two"),
        ("fire", "\"=>\"", "\">=\""),
        ("input", "[28, 28]", "[channels, rows, columns]"),
        ("float_top1", "89.5", "from 0 to 1"),
        ("strides", "[1]", "2 entries"),
        ("threshold", "0", "0.001 to 1000"),
        ("threshold", "-1", "0.001 to 1000"),
        ("threshold", "1e30", "0.001 to 1000"),
        ("mean", "[0.5]", "2 numbers, one per channel"),
        ("mean", "[-0.5, 0.4]", "0 to 1"),
        ("mean", "[300, 0.4]", "0 to 1"),
        ("std", "[0.25, 0]", "0.001 to 1"),
        ("std", "[0.25, -1]", "0.001 to 1"),
        ("std", "[0.25, 0.2, 0.2]", "2 numbers, one per channel"),
        ("reset", "\"sometimes\"", "\"zero\" or \"subtract\""),
        ("bn_eps", "0", "a positive number"),
        ("bn_eps", "-1e-5", "a positive number"),
        ("bn_eps", "1", "up to 0.1"),
    ] {
        let e = change(field, value).refused(&["some/model.safetensors", &format!("field `{field}`"), said]);
        assert!(matches!(e, ImportError::BadField { .. }), "{field}");
    }
    for (field, value, said) in
        [("mean", "[125.3, 123.0]", "divide by 255"), ("std", "[63.0, 62.1]", "divide by 255")]
    {
        let e = change(field, value).refused(&["some/model.safetensors", "in units of bytes", said]);
        assert!(matches!(e, ImportError::Bytes { .. }), "{field}");
    }
    says(Checkpoint::small().import_with("mean = [nan, 0.4]").unwrap_err(), &["`mean`", "NaN"]);
}

#[test]
fn kinds_that_are_not_built() {
    for (field, value, said) in [
        ("input_kind", "\"events\"", "event streams are not supported yet"),
        ("input_kind", "\"sound\"", "expected \"still\""),
    ] {
        let e = change(field, value).refused(&[META, &format!("field `{field}`"), said]);
        assert!(matches!(e, ImportError::Unsupported { .. }), "{field}");
    }
    change("input_kind", "\"still\"").import().unwrap();
}

#[test]
fn how_neurons_reset() {
    for (said, reset) in [
        ("zero", Reset::Zero),
        ("hard", Reset::Zero),
        ("subtract", Reset::Subtract),
        ("soft", Reset::Subtract),
    ] {
        let net = change("reset", &format!("{said:?}")).import().unwrap();
        assert_eq!(net.neuron.reset, reset, "{said}");
        assert!(net.origin.assumed.iter().all(|a| a.what != "reset"), "{said}");
    }
    // What nobody says is said to be assumed.
    let net = Checkpoint::small().import().unwrap();
    let assumed = net.origin.assumed.iter().find(|a| a.what == "reset").unwrap();
    assert_eq!((net.neuron.reset, &assumed.taken[..]), (Reset::Zero, "zero"));
}

#[test]
fn metadata_and_toml_that_disagree() {
    for (line, field, theirs) in [
        ("T = 6", "T", "4"),
        ("leak = 0.25", "leak", "0.5"),
        ("threshold = 0.5", "threshold", "1.0"),
        ("fire = \">=\"", "fire", "\">\""),
        ("strides = [2, 2]", "strides", "[1, 2]"),
        ("input = [2, 9, 8]", "input", "[2, 9, 7]"),
        ("mean = [0.0, 0.0]", "mean", "[0.5, 0.4]"),
        ("std = [1.0, 1.0]", "std", "[0.25, 0.2]"),
        ("preset = \"other\"", "preset", "\"cifar\""),
    ] {
        let e = Checkpoint::small().import_with(line).unwrap_err();
        let e =
            says(e, &[&format!("`{field}`"), "some/model.safetensors says", theirs, "some/model.toml says"]);
        assert!(matches!(e, ImportError::ConstantsDisagree { .. }), "{field}");
    }
}

#[test]
fn a_toml_that_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model.safetensors");
    std::fs::write(&model, Checkpoint::small().bytes()).unwrap();
    import::load(&model).unwrap();
    std::fs::write(dir.path().join("model.toml"), [0xff, 0xfe, 0x00]).unwrap();
    let e = says(import::load(&model).unwrap_err(), &["model.toml"]);
    assert!(matches!(e, ImportError::Io { .. }));
}
