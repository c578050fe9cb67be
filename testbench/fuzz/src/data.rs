//! Images and labels.

use spikegate_testbench::data;

use crate::scratch;

/// Names by which the forms are known.
const NAMES: [&str; 9] = [
    "images.idx3-ubyte",
    "images.idx3-ubyte.gz",
    "images.npy",
    "images.npz",
    "test_batch.bin",
    "test_batch",
    "picture.png",
    "picture.jpg",
    "test.bin",
];

/// Images of a set that are decoded.
const MOST: usize = 4;

/// The first byte says what the file is called.
pub fn images(bytes: &[u8]) -> bool {
    let Some((&first, bytes)) = bytes.split_first() else { return false };
    let path = scratch::file(NAMES[usize::from(first) % NAMES.len()], bytes);
    let decodes = data::open(&path).is_ok_and(|set| {
        (0..set.len().min(MOST)).all(|index| {
            let _ = set.label(index);
            let values: usize = set.shape().iter().product();
            set.image(index).map(|pixels| assert_eq!(pixels.len(), values)).is_ok()
        })
    });
    // The next file must not be taken for one of its parts.
    std::fs::remove_file(path).expect("it was written");
    decodes
}

pub fn image_seeds() -> Vec<Vec<u8>> {
    let idx = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4][..], &[7; 24]].concat();
    let head = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 3, 4), }";
    let head = format!("{head:<117}\n");
    let npy = [b"\x93NUMPY\x01\x00\x76\x00", head.as_bytes(), &[9; 24]].concat();
    let cifar = [&[3][..], &[5; 3072]].concat();
    // One grey and one coloured pixel, as encoders write them.
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDAT\x78\x9c\x63\x60\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xae\x42\x60\x82";
    let files = [(0, idx), (2, npy), (4, cifar), (6, png.to_vec())];
    files.map(|(first, file)| [vec![first], file].concat()).to_vec()
}
