//! Model files and their constants.

use spikegate_compiler::import::from_bytes;
use std::path::PathBuf;

/// A file of the reference networks.
fn reference(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../reference").join(name);
    std::fs::read(path).expect("a reference network")
}

const CONSTANTS: [&str; 3] = [
    include_str!("../../reference/random_imagenet.toml"),
    include_str!("../../reference/random_direct_imagenet.toml"),
    include_str!("../../reference/random_jelly18.toml"),
];

pub fn safetensors(bytes: &[u8]) {
    let _ = from_bytes("m.safetensors", bytes, None);
}

pub fn safetensors_seeds() -> Vec<Vec<u8>> {
    ["random_k4.safetensors", "random_direct.safetensors", "random_jelly34.safetensors"]
        .map(reference)
        .to_vec()
}

/// The first byte says which constants lie beside the file.
pub fn pth(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let _ = from_bytes("m.pth", bytes, Some(CONSTANTS[usize::from(first) % CONSTANTS.len()]));
}

pub fn pth_seeds() -> Vec<Vec<u8>> {
    let files = ["random_imagenet.pth", "random_direct_imagenet.pth", "random_jelly18.pth"].map(reference);
    (0..).zip(files).map(|(first, file)| [vec![first], file].concat()).collect()
}

/// Constants beside a file that has none.
pub fn constants(bytes: &[u8]) {
    thread_local! {
        static MODEL: Vec<u8> = reference("random_imagenet.pth");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        MODEL.with(|model| drop(from_bytes("m.pth", model, Some(text))));
    }
}

pub fn constants_seeds() -> Vec<Vec<u8>> {
    CONSTANTS.map(|text| text.as_bytes().to_vec()).to_vec()
}
