//! PyTorch checkpoints and the ImageNet layout: read like the safetensors file with the same tensors, or refused by name.
#![allow(clippy::unwrap_used)]

use spikegate_contract::failure::Failure;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use spikegate_compiler::graph::Network;
use spikegate_compiler::import::{self, ImportError, Preset, Request};
use spikegate_compiler::{calibrate, quantise};
use spikegate_contract::network::Op;
use zip::write::SimpleFileOptions;
use zip::ZipWriter;

/// A model of the reference folder.
fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference").join(name)
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

fn numbers(out: &mut Vec<u8>, numbers: &[usize]) {
    out.push(b'(');
    for &n in numbers {
        out.push(b'J');
        out.extend((n as i32).to_le_bytes());
    }
    out.push(b't');
}

/// The pickle of `{key: tensor}` as `torch.save` writes it, every tensor in a storage of its own.
fn pickle(tensors: &[(String, Vec<usize>)]) -> Vec<u8> {
    let mut out = vec![0x80, 2, b'}', b'('];
    for (i, (key, shape)) in tensors.iter().enumerate() {
        text(&mut out, key);
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend(b"ctorch\nFloatStorage\n");
        text(&mut out, &i.to_string());
        text(&mut out, "cpu");
        out.extend(b"K\x01tQK\x00");
        numbers(&mut out, shape);
        let strides: Vec<usize> = (0..shape.len()).map(|d| shape[d + 1..].iter().product()).collect();
        numbers(&mut out, &strides);
        out.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    out.extend(b"u.");
    out
}

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(vec![]));
    for (name, data) in entries {
        zip.start_file(format!("model/{name}"), SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A checkpoint with the tensors of a safetensors file under other names.
fn checkpoint(model: &str, rename: impl Fn(&str) -> String) -> Vec<u8> {
    checkpoint_of(model, rename, |_| true)
}

/// The same with some of the tensors.
fn checkpoint_of(model: &str, rename: impl Fn(&str) -> String, keep: impl Fn(&str) -> bool) -> Vec<u8> {
    let bytes = std::fs::read(reference(model)).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let float = tensors.iter().filter(|(key, _)| !key.ends_with("num_batches_tracked") && keep(key));
    let list: Vec<_> = float.map(|(key, view)| (rename(key), view)).collect();
    let shapes: Vec<_> = list.iter().map(|(key, view)| (key.clone(), view.shape().to_vec())).collect();
    let pickle = pickle(&shapes);
    let names: Vec<String> = (0..list.len()).map(|i| format!("data/{i}")).collect();
    let mut entries: Vec<(&str, &[u8])> = vec![("data.pkl", &pickle), ("byteorder", b"little")];
    entries.extend(names.iter().map(String::as_str).zip(list.iter().map(|(_, view)| view.data())));
    archive(&entries)
}

/// The constants of the shipped model as a TOML text.
const TOML: &str = "preset = 'cifar'\nT = 4\nleak = 0.5\nthreshold = 1.0\nfire = '>'\nstrides = [2, 2]\n\
                    input = [1, 28, 28]\nmean = [0.0]\nstd = [1.0]\n";

fn imagenet(key: &str) -> String {
    let key = key.replace("downsample.layer.module.", "shortcut.0.").replace("downsample.bn.", "shortcut.1.");
    let key = match key.strip_prefix("layer") {
        Some(rest) => {
            let (stage, rest) = rest.split_once('.').unwrap();
            format!("conv{}_x.{rest}", stage.parse::<usize>().unwrap() + 1)
        }
        None if key == "conv1.weight" => "conv1.0.weight".to_owned(),
        None => key.strip_prefix("bn1.").map_or(key.clone(), |rest| format!("conv1.1.{rest}")),
    };
    format!("module.{key}")
}

#[test]
fn the_same_tensors_make_the_same_network() {
    const MODEL: &str = "gac_fashion_t4.safetensors";
    let expected = import::load(&reference(MODEL)).unwrap();
    let plain = checkpoint(MODEL, str::to_owned);
    let wrapped = checkpoint(MODEL, |key| format!("module.{key}"));
    let imagenet = checkpoint(MODEL, imagenet);
    for bytes in [plain, wrapped, imagenet] {
        let network = import::from_bytes("model.pth", &bytes, Some(TOML)).unwrap();
        assert_eq!(network.nodes, expected.nodes);
    }
}

/// A lazy negative view has the values that `torch.load` gives.
#[test]
fn a_negative_view_has_its_sign() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/tests/cases/model/negative-view");
    let [view, plain] = ["neg.pth", "plain.pth"].map(|name| import::load(&cases.join(name)).unwrap());
    assert_eq!(view.nodes, plain.nodes);
}

/// The message that refuses a file.
fn refused(bytes: &[u8]) -> String {
    import::from_bytes("model.pth", bytes, Some(TOML)).unwrap_err().in_a_line()
}

fn of_pickle(pickle: &[u8]) -> String {
    refused(&archive(&[("data.pkl", pickle), ("data/0", &[0; 16])]))
}

#[test]
fn nothing_in_a_pickle_runs() {
    let system = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.";
    assert!(of_pickle(system).contains("the Python object os.system"), "{}", of_pickle(system));
    let instance = b"\x80\x02(ios\nsystem\n.";
    assert!(of_pickle(instance).contains("operation 0x69"), "{}", of_pickle(instance));
    // A name assembled on the stack.
    let stack = b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.";
    assert!(of_pickle(stack).contains("builtins.eval"), "{}", of_pickle(stack));
}

#[test]
fn damaged_and_hostile_archives_are_refused() {
    let whole = checkpoint("gac_fashion_t4.safetensors", str::to_owned);
    for keep in [4, 100, whole.len() / 2, whole.len() - 10] {
        assert!(refused(&whole[..keep]).contains("zip"), "{}", refused(&whole[..keep]));
    }
    assert!(refused(&archive(&[("other", b"")])).contains("without data.pkl"));
    assert!(of_pickle(b"\x80\x02}.").contains("no state_dict"));
    assert!(of_pickle(b"\x80\x02}(").contains("ends too early"));
    // A storage that is shorter than its tensor, and one that is not there.
    let short = pickle(&[("conv1.weight".to_owned(), vec![4, 1, 3, 3])]);
    assert!(of_pickle(&short).contains("does not lie inside its storage"), "{}", of_pickle(&short));
    assert!(refused(&archive(&[("data.pkl", &short)])).contains("data/0"));
    // Tuples in tuples: a stack of calls when they are dropped.
    let mut deep = vec![0x80, 2, b')'];
    deep.extend([0x85; 100_000]);
    deep.push(b'.');
    assert!(of_pickle(&deep).contains("deep"), "{}", of_pickle(&deep));
    // A pickle of many small values, each larger in memory than in the file.
    let many = [&b"\x80\x02"[..], &vec![b'N'; 3 << 20]].concat();
    assert!(of_pickle(&many).contains("operations"), "{}", of_pickle(&many));
    // A list that is filled after it was remembered.
    let twice = b"\x80\x02]q\x00K\x01ah\x00\x86.";
    assert!(of_pickle(twice).contains("a tuple, expected a state_dict"), "{}", of_pickle(twice));
    // A bomb: 100 MB of zeros in a few kilobytes.
    let bomb = archive(&[("data.pkl", &vec![0; 100 << 20])]);
    assert!(bomb.len() < 1 << 20);
    assert!(refused(&bomb).contains("unpacks to more than"), "{}", refused(&bomb));
    // Every prefix of a pickle: an error, no panic.
    let pickle = pickle(&[("conv1.weight".to_owned(), vec![2, 2])]);
    for keep in 0..pickle.len() {
        of_pickle(&pickle[..keep]);
    }
}

#[test]
fn presets_fill_in_and_refuse() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.pth");
    std::fs::write(&path, checkpoint("gac_fashion_t4.safetensors", str::to_owned)).unwrap();
    let wrong =
        import::load_with(&path, &Request { preset: Some(Preset::Cifar), ..Request::default() }).unwrap_err();
    assert!(matches!(wrong, ImportError::PresetDoesNotFit { .. }), "{wrong}");
    let missing = import::load(&path).unwrap_err();
    assert!(matches!(missing, ImportError::NoConstants { .. }), "{missing}");
}

/// A head without neurons is read when it is named, and pooled in the integer network.
#[test]
fn a_head_without_neurons_is_named() {
    let bytes = checkpoint("gac_fashion_t4.safetensors", str::to_owned);
    let load = |toml: &str| import::from_bytes("model.pth", &bytes, Some(toml)).unwrap();
    let summary = load(TOML).summary().unwrap();
    assert!(summary.last_lif);
    let without = load(&(TOML.to_owned() + "last_lif = false\n"));
    let other = without.summary().unwrap();
    assert_eq!((other.last_lif, other.neurons), (false, summary.neurons - 64 * 7 * 7));
    let images: Vec<Vec<u8>> = (0..2).map(|i| (0..784).map(|at| (at * 7 + i * 50) as u8).collect()).collect();
    let calibration = calibrate::calibrate(&without, &images).unwrap();
    let integer = quantise::quantise(&without, &calibration, &quantise::Options::default()).unwrap();
    let pooled = integer.node(integer.find("head.pooled").unwrap());
    assert!(matches!(&pooled.op, Op::Pool { requant } if requant.len() == 64));
}

/// Without a key of the encoder the network is direct coding, unless the constants say otherwise.
#[test]
fn direct_coding_is_what_the_keys_say() {
    let whole = checkpoint("gac_fashion_t4.safetensors", str::to_owned);
    let bytes =
        checkpoint_of("gac_fashion_t4.safetensors", str::to_owned, |key| !key.starts_with("encoding."));
    let load =
        |bytes: &[u8], more: &str| import::from_bytes("model.pth", bytes, Some(&(TOML.to_owned() + more)));
    let gated = load(&whole, "coding = 'gac'\n").unwrap();
    let direct = load(&bytes, "").unwrap();
    assert_eq!(load(&bytes, "coding = 'direct'\n").unwrap(), direct);
    let weights = |net: &Network| -> Vec<_> {
        let coding = ["encoder.", "gate.", "stem.stream"];
        let others =
            net.nodes.iter().filter(|node| !coding.iter().any(|prefix| node.name.starts_with(prefix)));
        others.map(|node| (node.name.clone(), node.op.clone())).collect()
    };
    assert_eq!(weights(&direct), weights(&gated));
    let summary = direct.summary().unwrap();
    assert_eq!(summary.attention_kernel, None);
    assert!(summary.layers.iter().all(|l| !l.name.starts_with("encoder.")));
    for (bytes, said, part) in [
        (&whole, "coding = 'direct'\n", "has `encoding."),
        (&bytes, "coding = 'gac'\n", "no key that starts with `encoding.`"),
        (&bytes, "coding = 'rate'\n", "\"gac\" or \"direct\""),
    ] {
        let e = load(bytes, said).unwrap_err().in_a_line();
        assert!(e.contains(part) && e.contains("`coding`"), "{e}");
    }
    // T has no tensor in direct coding: neither the file nor a preset tells it.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.pth");
    std::fs::write(&path, &bytes).unwrap();
    std::fs::write(path.with_extension("toml"), TOML.replace("T = 4\n", "")).unwrap();
    let e = import::load(&path).unwrap_err();
    assert!(matches!(e, ImportError::MissingField { field: "T", .. }), "{e}");
}
