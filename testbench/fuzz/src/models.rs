//! Model files and their constants.

use spikegate_compiler::import::from_bytes;
use std::path::PathBuf;

/// A file of the reference networks.
fn reference(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../reference").join(name);
    std::fs::read(path).expect("a reference network")
}

/// Models without constants, and those of each.
const MODELS_WITHOUT: [&str; 3] = ["random_imagenet.pth", "random_direct_imagenet.pth", "random_jelly18.pth"];
const CONSTANTS: [&str; 3] = [
    include_str!("../../reference/random_imagenet.toml"),
    include_str!("../../reference/random_direct_imagenet.toml"),
    include_str!("../../reference/random_jelly18.toml"),
];

pub fn safetensors(bytes: &[u8]) -> bool {
    from_bytes("m.safetensors", bytes, None).is_ok()
}

pub fn safetensors_seeds() -> Vec<Vec<u8>> {
    ["random_k4.safetensors", "random_direct.safetensors"].map(reference).to_vec()
}

/// The first byte says which constants lie beside the file.
pub fn pth(bytes: &[u8]) -> bool {
    let Some((&first, bytes)) = bytes.split_first() else { return false };
    from_bytes("m.pth", bytes, Some(CONSTANTS[usize::from(first) % CONSTANTS.len()])).is_ok()
}

pub fn pth_seeds() -> Vec<Vec<u8>> {
    (0..).zip(MODELS_WITHOUT.map(reference)).map(|(first, file)| [vec![first], file].concat()).collect()
}

/// Constants beside a file that has none, which the first byte chooses.
pub fn constants(bytes: &[u8]) -> bool {
    thread_local! {
        static MODELS: [Vec<u8>; 3] = MODELS_WITHOUT.map(reference);
    }
    let Some((&first, bytes)) = bytes.split_first() else { return false };
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    MODELS.with(|models| from_bytes("m.pth", &models[usize::from(first) % models.len()], Some(text)).is_ok())
}

pub fn constants_seeds() -> Vec<Vec<u8>> {
    (0..).zip(CONSTANTS).map(|(first, text)| [&[first], text.as_bytes()].concat()).collect()
}
