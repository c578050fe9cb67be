//! Every way a model file can be wrong is told by name, with the place and what to do.
#![allow(clippy::unwrap_used)]

mod import_support;

use import_support::{says, Checkpoint, GAC};
use safetensors::tensor::Dtype;
use spikegate_compiler::import::{self, ImportError};

const FILE: &str = "some/model.safetensors";

#[test]
fn missing_tensors() {
    let small = Checkpoint::small();
    // A head without a bias has zeros.
    let optional = |key: &&String| key.ends_with("num_batches_tracked") || *key == "fc1.bias";
    let required = small.tensors.keys().filter(|key| !optional(key));
    for key in required {
        let mut c = small.clone();
        c.remove(key);
        let e = c.refused(&[FILE, key, "missing", "state_dict"]);
        assert!(matches!(e, ImportError::MissingKey { .. }), "{key}: {e}");
    }
    let mut gap = small.clone();
    gap.rename(|key| key.replace("layer2.", "layer3."));
    gap.refused(&["layer2.0.conv1.weight", "missing"]);
    let mut gap = small.clone();
    gap.rename(|key| key.replace("layer1.1.", "layer1.9."));
    gap.refused(&["layer1.1.conv1.weight", "missing"]);
    let mut only_alias = small;
    only_alias.add_aliases();
    only_alias.remove("layer1.0.conv1.weight");
    only_alias.refused(&["`layer1.0.conv1.weight` is missing"]);
    only_alias = Checkpoint::small();
    only_alias.add_aliases();
    only_alias.remove("fc1.bias");
    only_alias.refused(&["fc1.bias", "alias `fc1_s.layer.module.bias`"]);
}

#[test]
fn unknown_tensors() {
    let mut c = Checkpoint::small();
    for i in 0..9 {
        c.random(&format!("extra{i}.weight"), &[1]);
    }
    let e = c.refused(&[FILE, "9 unknown key(s)", "`extra0.weight`", "...", "remove them"]);
    assert!(matches!(e, ImportError::UnknownKeys { count: 9, .. }));
    let mut c = Checkpoint::small();
    c.random("layer1.0.conv3.weight", &[4, 4, 3, 3]);
    c.refused(&["1 unknown key(s): `layer1.0.conv3.weight`"]);
}

#[test]
fn steps_that_are_none() {
    let mut c = Checkpoint::small();
    c.put("layer1.0.conv1.alpha", &[3], &[0.5, 0.25, 0.125]);
    let e = c.refused(&[FILE, "layer1.0.conv1.alpha", "[3]", "[4, 1, 1, 1], or one value"]);
    assert!(matches!(e, ImportError::WrongShape { .. }));
    for value in [0.0, -0.5] {
        c.put("layer1.0.conv1.alpha", &[4], &[0.5, 0.25, value, 0.5]);
        let e = c.refused(&[FILE, "`layer1.0.conv1.alpha`[2]", "above 0", "leave them out"]);
        assert!(matches!(e, ImportError::NotPositive { index: 2, .. }));
    }
    c.put("layer1.0.conv1.alpha", &[4], &[f32::NAN; 4]);
    assert!(matches!(c.import(), Err(ImportError::NotFinite { .. })));
    let mut c = Checkpoint::small();
    c.put("bn1.alpha", &[3], &[0.5; 3]);
    c.refused(&["1 unknown key(s): `bn1.alpha`"]);
}

#[test]
fn wrong_shapes() {
    for (key, shape) in [
        ("conv1.weight", &[3, 2, 4, 4][..]),
        ("conv1.weight", &[3, 2, 9, 9]),
        ("conv1.weight", &[3, 1, 3, 3]),
        ("conv1.weight", &[3]),
        ("conv1.weight", &[0, 2, 3, 3]),
        ("bn1.bn.bias", &[4]),
        ("bn1.bn.bias", &[3, 1]),
        ("encoding.TA.sharedMLP.0.weight", &[3, 4, 1, 1, 1]),
        ("encoding.TA.sharedMLP.2.weight", &[4, 2]),
        ("encoding.SCA.sharedMLP.0.weight", &[3, 3, 4, 5]),
        ("encoding.SCA.sharedMLP.0.weight", &[3, 3, 0, 0]),
        ("encoding.SCA.sharedMLP.2.weight", &[3, 3, 5, 5]),
        ("layer1.0.conv1.weight", &[4, 5, 3, 3]),
        ("layer1.1.conv2.weight", &[4, 4, 1, 1]),
        ("layer2.0.downsample.layer.module.weight", &[5, 4, 3, 3]),
        ("layer2.0.bn2.bn.running_var", &[4]),
        ("fc1.weight", &[6, 4]),
        ("fc1.weight", &[0, 5]),
        ("fc1.bias", &[7]),
    ] {
        let mut c = Checkpoint::small();
        c.random(key, shape);
        let e = c.refused(&[FILE, key, "expected", &format!("has shape {shape:?}")]);
        assert!(matches!(e, ImportError::WrongShape { .. }), "{key} {shape:?}: {e}");
    }
}

#[test]
fn wrong_types() {
    for dtype in [Dtype::I32, Dtype::U32] {
        let mut c = Checkpoint::small();
        c.tensors.get_mut("fc1.bias").unwrap().dtype = dtype;
        let e = c.refused(&[FILE, "fc1.bias", &format!("{dtype:?}"), "expected F32", ".float()"]);
        assert!(matches!(e, ImportError::WrongDtype { .. }));
    }
}

#[test]
fn numbers_that_are_none() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut c = Checkpoint::small();
        c.set("layer1.1.conv2.weight", 7, value);
        let e = c.refused(&[FILE, "`layer1.1.conv2.weight`[7]", "finite"]);
        assert!(matches!(e, ImportError::NotFinite { index: 7, .. }));
    }
    let mut c = Checkpoint::small();
    c.set("bn1.bn.running_var", 2, -1e-3);
    let e = c.refused(&[FILE, "`bn1.bn.running_var`[2]", "-0.001", "never negative"]);
    assert!(matches!(e, ImportError::NegativeVariance { index: 2, .. }));
    // An f64 that no f32 holds.
    let mut c = Checkpoint::small();
    let bias = c.tensors.get_mut("fc1.bias").unwrap();
    (bias.dtype, bias.bytes) = (Dtype::F64, [1e300f64; 6].iter().flat_map(|v| v.to_le_bytes()).collect());
    assert!(matches!(c.refused(&["fc1.bias"]), ImportError::NotFinite { .. }));
}

#[test]
fn aliases_that_disagree() {
    let mut whole = Checkpoint::small();
    whole.add_aliases();
    let canonical: Vec<_> = Checkpoint::small().tensors.into_keys().collect();
    let aliases: Vec<_> = whole.tensors.keys().filter(|k| !canonical.contains(k)).cloned().collect();
    for alias in aliases.iter().filter(|a| !a.ends_with("num_batches_tracked")) {
        let mut c = whole.clone();
        c.set(alias, 1, 0.123);
        let e = c.refused(&[FILE, alias, "differs from", "at index 1", "bitwise equal"]);
        assert!(matches!(e, ImportError::AliasDisagrees { .. }), "{alias}: {e}");
    }
    let mut c = whole.clone();
    c.random("conv1_s.layer.module.weight", &[3, 2, 3, 4]);
    c.refused(&["conv1_s.layer.module.weight", "in shape"]);
    whole.tensors.get_mut("conv1_s.layer.module.weight").unwrap().dtype = Dtype::I32;
    whole.refused(&["conv1_s.layer.module.weight", "in type"]);
}

/// Which of two values a reader takes is nobody's to guess.
#[test]
fn keys_that_stand_twice() {
    let whole = Checkpoint::small().bytes();
    let length = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&whole[8..8 + length]).unwrap().trim_end();
    let import = |header: &str| {
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &whole[8 + length..]].concat();
        import::from_bytes(FILE, &bytes, None)
    };
    import(header).unwrap();
    let start = header.find("\"fc1.bias\":").unwrap();
    let end = start + header[start..].find('}').unwrap() + 1;
    let tensor = &header[start..end];
    let again = format!("{tensor},{tensor}");
    let escaped = format!("{tensor},{}", tensor.replacen("fc1", "f\\u00631", 1));
    for (from, to, key) in [
        ("{", "{\"__metadata__\":{\"gac\":\"{}\"},", "__metadata__"),
        ("\"__metadata__\":{", "\"__metadata__\":{\"gac\":\"{}\",", "gac"),
        ("\"dtype\":\"F32\"", "\"dtype\":\"F32\",\"dtype\":\"F32\"", "dtype"),
        ("\"shape\":[", "\"shape\":[1],\"shape\":[", "shape"),
        ("\"dtype\":", "\"note\":1,\"note\":2,\"dtype\":", "note"),
        (tensor, &again, "fc1.bias"),
        (tensor, &escaped, "fc1.bias"),
    ] {
        let changed = header.replacen(from, to, 1);
        assert_ne!(changed, header);
        let expected = format!("the key `{key}` stands twice");
        let e = says(import(&changed).unwrap_err(), &[FILE, &expected]);
        assert!(matches!(e, ImportError::Corrupt { .. }), "{e}");
    }
}

/// What a file is called, and what is written in it, commands no terminal.
#[test]
fn names_for_a_terminal() {
    use spikegate_contract::text::{is_control, printable_lines};
    const EVIL: &str = "\u{1b}[2J\nred";
    let mut c = Checkpoint::small();
    c.random(&format!("layer1.0.{EVIL}.weight"), &[1]);
    let e = c.refused(&["layer1.0.\u{fffd}[2J\u{fffd}red.weight", "control characters"]);
    assert!(matches!(e, ImportError::StrangeTensor { .. }), "{e}");
    let mut c = Checkpoint::small();
    let json = serde_json::to_string(EVIL).unwrap();
    c.gac = Some(GAC.replacen("\"cifar\"", &format!("{json}, \"dataset\": {json}, \"made\": {json}"), 1));
    let origin = c.import().unwrap().origin;
    let texts = [Some(origin.preset), origin.dataset, origin.made];
    for text in texts {
        assert_eq!(text.unwrap(), "\u{fffd}[2J\u{fffd}red");
    }
    for bytes in [&b"nothing"[..], &Checkpoint::small().bytes()[..40]] {
        let error = import::from_bytes(&format!("{EVIL}.safetensors"), bytes, None).unwrap_err().to_string();
        assert!(!error.contains(is_control), "{error:?}");
    }
    // A field's value is quoted.
    let mut c = Checkpoint::small();
    c.gac = Some(GAC.replacen("\">\"", &json, 1));
    let error = c.import().unwrap_err().to_string();
    assert_eq!(printable_lines(&error), error);
}

#[test]
fn files_that_are_none() {
    let whole = Checkpoint::small().bytes();
    let import = |bytes: &[u8]| import::from_bytes(FILE, bytes, None).unwrap_err();
    assert!(matches!(says(import(&[]), &[FILE, "empty"]), ImportError::Empty { .. }));
    for keep in [1, 7, 8, 9, 100, whole.len() / 2, whole.len() - 1] {
        let e = says(import(&whole[..keep]), &[FILE, "not a whole safetensors file", "again"]);
        assert!(matches!(e, ImportError::Corrupt { .. }), "{keep}: {e}");
    }
    says(import(&[&whole[..], &[0]].concat()), &["do not end where the file ends"]);
    says(import(&[0xff; 64]), &["header length"]);
    says(import(b"PK\x03\x04 and so on"), &["not a whole zip archive", "save it again"]);
    says(import(b"\x80\x02}q\x00"), &["pickle"]);
    let no_network =
        safetensors::serialize(Vec::<(String, safetensors::tensor::TensorView<'_>)>::new(), None).unwrap();
    assert!(matches!(import(&no_network), ImportError::NoTensors { .. }));

    let dir = tempfile::tempdir().unwrap();
    let absent = import::load(&dir.path().join("absent.safetensors")).unwrap_err();
    assert!(matches!(says(absent, &["absent.safetensors", "cannot be read"]), ImportError::Io { .. }));
    assert!(matches!(import::load(dir.path()).unwrap_err(), ImportError::NotAFile { .. }));
    let large = dir.path().join("large.safetensors");
    std::fs::File::create(&large).unwrap().set_len(import::MAX_FILE_BYTES + 1).unwrap();
    assert!(matches!(import::load(&large).unwrap_err(), ImportError::TooLarge { .. }));
}

#[test]
fn layouts_known_by_name() {
    let layout = |change: &dyn Fn(&mut Checkpoint), parts: &[&str]| {
        let mut c = Checkpoint::small();
        change(&mut c);
        let e = c.refused(&[&[FILE], parts].concat());
        assert!(matches!(e, ImportError::UnsupportedLayout { .. }), "{e}");
    };
    let december = |c: &mut Checkpoint| c.rename(|k| k.replace("conv1.weight", "conv1.module.weight"));
    layout(&december, &["December 2023", "along the batch"]);
    let without_encoder = |c: &mut Checkpoint| c.tensors.retain(|k, _| !k.starts_with("encoding."));
    layout(&|c| (december(c), without_encoder(c)).1, &["BiLIF", "not a Gated-Attention-Coding network"]);
    layout(
        &|c| c.random("encoding.conv_3_64.layer.module.weight", &[3, 2, 3, 3]),
        &["May 2023", "raw image"],
    );
}

#[test]
fn timesteps() {
    let mut c = Checkpoint::small();
    c.gac = Some(GAC.replace(r#""T": 4"#, r#""T": 6"#));
    let e = c.refused(&[FILE, "T = 6", "T = 4", "[4, 2, 1, 1, 1]"]);
    assert!(matches!(e, ImportError::TimestepsDisagree { constants: 6, tensors: 4, .. }));
    let mut one = Checkpoint::small();
    one.gac = Some(GAC.replace(r#""T": 4"#, r#""T": 1"#));
    one.random("encoding.TA.sharedMLP.0.weight", &[0, 1, 1, 1, 1]);
    one.random("encoding.TA.sharedMLP.2.weight", &[1, 0, 1, 1, 1]);
    one.refused(&[FILE, "T = 1", "T/2 = 0 hidden units", "at least 2"]);
}

#[test]
fn parts_that_do_not_fit() {
    let with = |from: &str, to: &str| {
        let mut c = Checkpoint::small();
        c.gac = Some(GAC.replace(from, to));
        c
    };
    with("[1, 2]", "[1, 2, 2]").refused(&["strides", "[1, 2, 2]", "2 entries", "layer1 to layer2"]);
    with("[1, 2]", "[0, 2]").refused(&[FILE, "`strides` is [0, 2]", "at least 1"]);
    with("\"strides\"", "\"stem_stride\": 0, \"strides\"").refused(&[
        FILE,
        "`stem_stride` is 0",
        "at least 1",
    ]);
    with("[1, 2]", "[1, 8]").refused(&["layer2.0.shortcut", "[4, 9, 7]", "stride 8", "vanishes"]);
    with("[2, 9, 7]", "[2, 3, 7]").refused(&["encoder.sca1", "4x4 kernel", "[3, 3, 7]", "vanishes"]);
    with("[2, 9, 7]", "[2, 0, 7]").refused(&[FILE, "[2, 0, 7]", "expected"]);
    with("[2, 9, 7]", "[2, 9, 999999999999]").refused(&["the input", "4096"]);
    with("[2, 9, 7]", "[3, 9, 7]").refused(&["`mean`", "3 numbers, one per channel of `input`"]);
    let mut identity = Checkpoint::small();
    identity.tensors.retain(|key, _| !key.starts_with("layer2.0.downsample"));
    let e = identity.refused(&["layer2.0.stream", "no downsample", "[4, 9, 7]", "[5, 5, 4]"]);
    assert!(matches!(e, ImportError::DoesNotFit { .. }));
}

/// Any damaged file is refused or read; nothing panics.
#[test]
fn damaged_files_never_panic() {
    let whole = Checkpoint::small().bytes();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let mut state = 0x5eed_u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize
    };
    let mut refused = 0;
    for round in 0..3000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + round % 3 {
            let range = if round % 4 == 0 { whole.len() } else { header };
            bytes[random() % range] =
                if round % 2 == 0 { random() as u8 } else { b"0123456789[]{}\",:-.eE"[random() % 21] };
        }
        refused += usize::from(import::from_bytes(FILE, &bytes, None).is_err());
    }
    assert!(refused > 1500, "only {refused} refused");
    (0..whole.len())
        .step_by(7)
        .for_each(|keep| assert!(import::from_bytes(FILE, &whole[..keep], None).is_err()));
}
