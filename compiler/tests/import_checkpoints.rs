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

/// A key that tells a network of the form that is read.
const BLOCK: &str = "layer1.0.residual.bn1.weight";

/// A key and its tensor, as `torch.save` writes them: all of a storage of so many elements; `metadata` are names that say
/// what its values are a view of.
fn tensor(out: &mut Vec<u8>, key: &str, shape: &[usize], storage: usize, elements: usize, metadata: &[&str]) {
    text(out, key);
    out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
    text(out, "storage");
    out.extend(b"ctorch\nFloatStorage\n");
    text(out, &storage.to_string());
    text(out, "cpu");
    out.push(b'J');
    out.extend((elements as i32).to_le_bytes());
    out.extend(b"tQK\x00");
    numbers(out, shape);
    let strides: Vec<usize> = (0..shape.len()).map(|d| shape[d + 1..].iter().product()).collect();
    numbers(out, &strides);
    out.extend(b"\x89ccollections\nOrderedDict\n)R");
    if !metadata.is_empty() {
        out.extend(b"}(");
        for name in metadata {
            text(out, name);
            out.push(0x88);
        }
        out.push(b'u');
    }
    out.extend(b"tR");
}

/// The pickle of `{key: tensor}`, every tensor in a storage of its own.
fn pickle(tensors: &[(String, Vec<usize>)]) -> Vec<u8> {
    let mut out = vec![0x80, 2, b'}', b'('];
    for (i, (key, shape)) in tensors.iter().enumerate() {
        tensor(&mut out, key, shape, i, shape.iter().product(), &[]);
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

/// What DistributedDataParallel, torch.compile, FSDP, checkpointing and averaging put into keys is left out, in front of
/// all of them and of single layers.
#[test]
fn wrappers_leave_the_network_as_it_is() {
    const MODEL: &str = "gac_fashion_t4.safetensors";
    let expected = import::load(&reference(MODEL)).unwrap();
    for prefix in [
        "module.",
        "_orig_mod.",
        "_fsdp_wrapped_module.",
        "_checkpoint_wrapped_module.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "_fsdp_wrapped_module._orig_mod.module.",
        "module.module.",
        "model._orig_mod.net.",
    ] {
        let front = |key: &str| format!("{prefix}{key}");
        // FSDP wraps the blocks themselves.
        let inside = |key: &str| {
            let wrapped =
                |key: &str| key.replacen(".0.", ".0._fsdp_wrapped_module._checkpoint_wrapped_module.", 1);
            format!("{prefix}{}", if key.starts_with("layer") { wrapped(key) } else { key.to_owned() })
        };
        for bytes in [checkpoint(MODEL, front), checkpoint(MODEL, inside)] {
            let network = import::from_bytes("model.pth", &bytes, Some(TOML));
            let network = network.unwrap_or_else(|e| panic!("{prefix}: {e}"));
            assert_eq!(network.nodes, expected.nodes, "{prefix}");
        }
    }
}

/// The shipped model with `fc1.bias` under its second name too; what `metadata` say of the alias, and its values.
fn with_alias(metadata: &[&str], values: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let model = std::fs::read(reference("gac_fashion_t4.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&model).unwrap();
    let mut pickle = vec![0x80, 2, b'}', b'('];
    let mut storages = Vec::new();
    for (key, view) in tensors.iter().filter(|(key, _)| !key.ends_with("num_batches_tracked")) {
        tensor(&mut pickle, key, view.shape(), storages.len(), view.data().len() / 4, &[]);
        storages.push((format!("data/{}", storages.len()), view.data().to_vec()));
    }
    let bias = tensors.tensor("fc1.bias").unwrap();
    tensor(&mut pickle, "fc1_s.layer.module.bias", bias.shape(), storages.len(), 10, metadata);
    storages.push((format!("data/{}", storages.len()), values(bias.data())));
    pickle.extend(b"u.");
    let entries = storages.iter().map(|(name, data)| (name.as_str(), data.as_slice()));
    archive(&[("data.pkl", &pickle[..])].into_iter().chain(entries).collect::<Vec<_>>())
}

/// Two names of one tensor are compared by their values, of whatever view they are.
#[test]
fn a_lazily_negated_alias_is_equal() {
    let negated = |data: &[u8]| -> Vec<u8> {
        let value = |bytes: &[u8]| (-f32::from_le_bytes(bytes.try_into().unwrap())).to_le_bytes();
        data.chunks_exact(4).flat_map(value).collect()
    };
    let expected = import::load(&reference("gac_fashion_t4.safetensors")).unwrap();
    for bytes in [with_alias(&[], <[u8]>::to_vec), with_alias(&["neg"], negated)] {
        assert_eq!(import::from_bytes("model.pth", &bytes, Some(TOML)).unwrap().nodes, expected.nodes);
    }
    for bytes in [with_alias(&["neg"], <[u8]>::to_vec), with_alias(&[], negated)] {
        assert!(refused(&bytes).contains("at index 0"), "{}", refused(&bytes));
    }
}

/// A conjugate view has other values than its storage: what is not read is refused.
#[test]
fn a_conjugate_view_is_refused() {
    for metadata in [&["conj"][..], &["neg", "conj"], &["other"]] {
        let said = refused(&with_alias(metadata, <[u8]>::to_vec));
        assert!(said.contains("resolve_conj") && said.contains(metadata[metadata.len() - 1]), "{said}");
    }
    assert!(refused(&with_alias(&["neg", "neg"], <[u8]>::to_vec)).contains("`neg` stands twice"));
}

/// A storage has the size that its description says, to the byte.
#[test]
fn a_storage_of_another_size_is_refused() {
    let mut pickle = vec![0x80, 2, b'}', b'('];
    tensor(&mut pickle, "conv1.weight", &[4, 1, 3, 3], 0, 36, &[]);
    tensor(&mut pickle, BLOCK, &[4], 0, 36, &[]);
    pickle.extend(b"u.");
    for bytes in [0, 16, 140, 143, 145, 148, 1 << 20] {
        let said = refused(&archive(&[("data.pkl", &pickle), ("data/0", &vec![0; bytes])]));
        assert!(said.contains(&format!("which has {bytes} bytes, and 36 elements")), "{said}");
    }
    let right = refused(&archive(&[("data.pkl", &pickle), ("data/0", &[0; 144])]));
    assert!(right.contains("missing"), "{right}");
}

/// Which of two values of a key counts is nobody's to guess, in whichever dict.
#[test]
fn keys_that_stand_twice_are_refused() {
    let mut pickle = vec![0x80, 2, b'}', b'('];
    for _ in 0..2 {
        text(&mut pickle, "state_dict");
        pickle.extend(b"}(");
        tensor(&mut pickle, "conv1.weight", &[4, 1, 1, 1], 0, 4, &[]);
        pickle.push(b'u');
    }
    pickle.extend(b"u.");
    assert!(of_pickle(&pickle).contains("the key `state_dict` stands twice"), "{}", of_pickle(&pickle));
}

/// What is no tensor has no method of one.
#[test]
fn advice_fits_what_is_there() {
    let mut pickle = vec![0x80, 2, b'}', b'('];
    tensor(&mut pickle, "conv1.weight", &[1, 1, 3, 3], 0, 9, &[]);
    tensor(&mut pickle, BLOCK, &[4], 0, 9, &[]);
    text(&mut pickle, "bn1.bn.weight");
    pickle.extend(b"cnumpy._core.multiarray\n_reconstruct\n)R");
    pickle.extend(b"u.");
    let said = refused(&archive(&[("data.pkl", &pickle), ("data/0", &[0; 36])]));
    assert!(said.contains("numpy._core.multiarray._reconstruct"), "{said}");
    assert!(said.contains("torch.as_tensor") && !said.contains("it with .float()"), "{said}");
}

/// A name that an error gives for `--weights` is taken.
#[test]
fn advice_about_weights_can_be_followed() {
    const MODEL: &str = "gac_fashion_t4.safetensors";
    let model = std::fs::read(reference(MODEL)).unwrap();
    let tensors = SafeTensors::deserialize(&model).unwrap();
    let expected = import::load(&reference(MODEL)).unwrap();
    for prefixes in [["", "ema."], ["a.", "a.b."], ["student.", "teacher."]] {
        let mut list = Vec::new();
        for prefix in prefixes {
            list.extend(tensors.iter().map(|(key, view)| (format!("{prefix}{key}"), view)));
        }
        let bytes = safetensors::serialize(list, None).unwrap();
        let load = |weights| {
            let request = Request { weights, ..Request::default() };
            import::from_bytes_with("model.safetensors", &bytes, Some(TOML), &request)
        };
        let Err(ImportError::SeveralNetworks { found, .. }) = load(None) else { panic!("{prefixes:?}") };
        let Err(ImportError::NoSuchWeights { found: again, .. }) = load(Some("no")) else {
            panic!("{prefixes:?}")
        };
        assert_eq!(found, again);
        for name in &found {
            // As a shell reads it.
            let name = if name == "\"\"" { "" } else { name };
            assert_eq!(load(Some(name)).unwrap_or_else(|e| panic!("{name:?}: {e}")).nodes, expected.nodes);
        }
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
    let mut short = vec![0x80, 2, b'}', b'('];
    tensor(&mut short, "conv1.weight", &[4, 1, 3, 3], 0, 4, &[]);
    tensor(&mut short, BLOCK, &[4], 0, 4, &[]);
    short.extend(b"u.");
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
