//! Files that are something else, told by their first bytes.

use super::ImportError;

/// Bytes that [`refuse`] wants to see.
pub(super) const HEAD_BYTES: usize = 512;

const RESAVE: &str = "load it where it was made and save model.state_dict() with torch.save, or with \
                      safetensors.torch.save_model(model, \"model.safetensors\")";
const DOWNLOAD: &str = "download the file itself";
const UNPACK: &str = "unpack it, and give the .safetensors or .pth file in it";
const UNPACK_TAR: &str = "unpack it with `tar xf`, and give the .safetensors or .pth file in it";
const NO_MATLAB: &str =
    "this is not supported: save the network's state_dict with torch.save, or with safetensors";

/// First bytes, what they begin, what to do.
const MAGIC: &[(&[u8], &str, &str)] = &[
    (
        // The number that `torch.save` wrote before the zip form, as a pickle.
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
        "a checkpoint in the form of PyTorch before 1.6",
        "save it again in today's form: torch.save(torch.load(\"old.pth\", weights_only=True), \"new.pth\")",
    ),
    (b"\x80\x02", "a plain Python pickle", RESAVE),
    (b"\x80\x03", "a plain Python pickle", RESAVE),
    (b"\x80\x04", "a plain Python pickle", RESAVE),
    (b"\x80\x05", "a plain Python pickle", RESAVE),
    (
        b"\x89HDF\r\n",
        "an HDF5 file (Keras, NIR)",
        "these are not supported: export a PyTorch state_dict in the authors' key layout",
    ),
    (b"\x1f\x8b", "gzip-compressed", "unpack it with gunzip"),
    (b"BZh", "bzip2-compressed", "unpack it with bunzip2"),
    (b"\xfd7zXZ\0", "xz-compressed", "unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed", "unpack it with unzstd"),
    (b"\x04\x22\x4d\x18", "lz4-compressed", "unpack it with unlz4"),
    (b"MATLAB ", "a MATLAB file", NO_MATLAB),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!", "a RAR archive", UNPACK),
    (b"\x93NUMPY", "a NumPy array", RESAVE),
    (b"GGUF", "a GGUF file", RESAVE),
    (b"\x89PNG", "a PNG picture", "give the model, and pictures with --calib or --input"),
    (b"\xff\xd8\xff", "a JPEG picture", "give the model, and pictures with --calib or --input"),
    (b"%PDF", "a PDF document", DOWNLOAD),
    (b"\x7fELF", "a program", "give the path of a .safetensors or .pth file"),
    (
        b"version https://git-lfs.github.com/spec/",
        "a git-LFS pointer: the place of the file, not the file",
        "get the file with git lfs pull, or download it",
    ),
];

/// What compressed archives are called.
const TARS: [&str; 8] = [".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tar.lz4"];

/// Refuses what is recognised as another format. `head` is the file's first [`HEAD_BYTES`], or all of it.
pub(super) fn refuse(file: &str, head: &[u8]) -> Result<(), ImportError> {
    let is = |what, todo| Err(ImportError::NotSafetensors { file: file.to_owned(), what, todo });
    // A safetensors file starts with the length of its header in 8 bytes, and then `{`: nothing below is one.
    if head.get(8) == Some(&b'{') {
        return Ok(());
    }
    let name = file.to_lowercase();
    if let Some((_, what, todo)) = MAGIC.iter().find(|(magic, ..)| head.starts_with(magic)) {
        let is_tar = what.ends_with("-compressed") && TARS.iter().any(|end| name.ends_with(end));
        return if is_tar { is("a compressed tar archive", UNPACK_TAR) } else { is(what, todo) };
    }
    // Older ones begin with numbers.
    if name.ends_with(".mat") {
        return is("a MATLAB file", NO_MATLAB);
    }
    if head.get(257..262) == Some(b"ustar") {
        return is("a tar archive", UNPACK_TAR);
    }
    // Protocol buffers: field 1, the version as a small number, field 2, the producer's name.
    if let [0x08, 1..=31, 0x12, length, name @ ..] = head {
        let name = name.get(..usize::from(*length).min(32)).unwrap_or_default();
        if !name.is_empty() && name.iter().all(u8::is_ascii_graphic) {
            return is(
                "an ONNX model",
                "this is not supported: export the PyTorch state_dict it was made from",
            );
        }
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut.
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(&head[..e.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return Ok(()),
    };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.len() < 4 || text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Ok(());
    }
    match text.chars().next() {
        Some('<') => is("a web page (HTML or XML)", "the download went wrong: download the file itself"),
        Some('{') if text.contains("\"weight_map\"") || file.ends_with(".index.json") => is(
            "the index of a model in several files",
            "put them together in Python: load each with safetensors.torch.load_file and save all tensors with \
             safetensors.torch.save_file",
        ),
        Some('{' | '[') => is("a JSON text", "give the path of a .safetensors or .pth file"),
        _ => is("a text", "give the path of a .safetensors or .pth file"),
    }
}

/// Whether a name is that of one part of a model in several files, `NAME-00001-of-00003.safetensors`.
pub(super) fn is_shard(file: &str) -> bool {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let Some((rest, count)) = stem.rsplit_once("-of-") else { return false };
    let number = |text: &str| text.len() >= 5 && text.bytes().all(|b| b.is_ascii_digit());
    number(count) && count.parse() != Ok(1) && rest.rsplit_once('-').is_some_and(|(_, n)| number(n))
}

/// What a zip archive is that holds no PyTorch checkpoint, by the names in it, and what to do.
pub(super) fn other_zip(names: &[&str]) -> (&'static str, &'static str) {
    let any = |is: fn(&str) -> bool| names.iter().any(|name| is(name));
    if any(|n| n.ends_with(".npy")) {
        return ("NumPy arrays (.npz)", RESAVE);
    }
    if any(|n| n == "model.weights.h5" || n == "config.json") {
        return (
            "a Keras model",
            "this is not supported: export a PyTorch state_dict in the authors' key layout",
        );
    }
    match any(|n| n.ends_with(".pth") || n.ends_with(".pt") || n.ends_with(".safetensors")) {
        true => ("an archive with a model in it", UNPACK),
        false => (
            "a zip archive without data.pkl, so no PyTorch checkpoint",
            "save model.state_dict() with torch.save",
        ),
    }
}
