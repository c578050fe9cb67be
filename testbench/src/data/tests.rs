//! Every form that is read, and every way it can be wrong.
#![allow(clippy::unwrap_used)]

mod arrays;
mod pictures;

use super::*;
use spikegate_contract::failure::Failure;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn idx_images(count: u32, rows: u32, columns: u32) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    [count, rows, columns].iter().for_each(|n| bytes.extend(n.to_be_bytes()));
    bytes.extend((0..count * rows * columns).map(|i| (i % 251) as u8));
    bytes
}

fn idx_labels(labels: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 1];
    bytes.extend((labels.len() as u32).to_be_bytes());
    bytes.extend(labels);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn put(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

fn cifar(label_bytes: usize, labels: &[u8]) -> Vec<u8> {
    let record = |&label: &u8| {
        let mut bytes = vec![19; label_bytes];
        bytes[label_bytes - 1] = label;
        bytes.extend((0..3072u32).map(|i| (i / 1024 * 50 + u32::from(label)) as u8));
        bytes
    };
    labels.iter().flat_map(record).collect()
}

fn png(channels: usize, h: u32, w: u32) -> Vec<u8> {
    encode(image::ImageFormat::Png, channels, h, w)
}

fn encode(format: image::ImageFormat, channels: usize, h: u32, w: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..channels as u32 * h * w).map(|i| i as u8).collect();
    let mut bytes = std::io::Cursor::new(Vec::new());
    let color = match channels {
        1 => image::ExtendedColorType::L8,
        3 => image::ExtendedColorType::Rgb8,
        _ => image::ExtendedColorType::Rgba8,
    };
    image::write_buffer_with_format(&mut bytes, &pixels, w, h, color, format).unwrap();
    bytes.into_inner()
}

/// A picture whose JPEG has many coefficients, in a form.
fn jpeg(channels: usize) -> Vec<u8> {
    let mut state = 7u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let pixels: Vec<u8> = (0..channels * 32 * 40).map(|_| noise()).collect();
    let mut bytes = Vec::new();
    let color = if channels == 1 { image::ExtendedColorType::L8 } else { image::ExtendedColorType::Rgb8 };
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.encode(&pixels, 40, 32, color).unwrap();
    bytes
}

/// What Python 2 made of `{'data': array of (2, 3072), 'labels': [3, 9]}`, as the data set is published.
fn python_batch() -> Vec<u8> {
    let mut bytes = b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03(K\x03K\x09eU\x04dataq\x04cnumpy.core.multiarray\n_reconstruct\nq\
        \x05cnumpy\nndarray\nq\x06K\x00\x85U\x01b\x87Rq\x07(K\x01K\x02M\x00\x0c\x86cnumpy\ndtype\nq\x08U\x02u1K\x00K\x01\
        \x87Rq\x09(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T\x00\x18\x00\x00"
        .to_vec();
    bytes.extend((0..6144u32).map(|i| (i / 1024) as u8));
    bytes.extend(b"tbu.");
    bytes
}

fn message(error: &DataError, parts: &[&str]) {
    let text = error.in_a_line();
    for part in parts {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
}

#[test]
fn calibration_is_spread_over_the_classes() {
    let dir = folder();
    for (class, count) in [("ant", 6), ("bee", 2), ("cat", 6)] {
        (0..count).for_each(|n| drop(put(&dir, &format!("{class}/{n}.png"), &png(1, 2, 2))));
    }
    let set = open(dir.path()).unwrap();
    let by_class = |count| {
        let mut found = [0; 3];
        set.spread(count).iter().for_each(|&i| found[usize::from(set.label(i).unwrap())] += 1);
        found
    };
    assert_eq!(
        [by_class(3), by_class(8), by_class(14), by_class(99)],
        [[1, 1, 1], [3, 2, 3], [6, 2, 6], [6, 2, 6]]
    );
    assert_eq!(by_class(2), [1, 1, 0]);
    assert_eq!(set.spread(6), [0, 3, 6, 7, 8, 11]);
    // The same of files, sorted by label or not; without labels it is the first images.
    let idx = folder();
    let images = put(&idx, "a-images-idx3-ubyte", &idx_images(6, 2, 2));
    assert_eq!(open(&images).unwrap().spread(3), [0, 1, 2]);
    for (labels, chosen) in
        [([0, 0, 2, 0, 1, 2], [0, 2, 4]), ([0, 0, 1, 1, 2, 2], [0, 2, 4]), ([2, 2, 0, 0, 1, 1], [0, 2, 4])]
    {
        put(&idx, "a-labels-idx1-ubyte", &idx_labels(&labels));
        assert_eq!(open(&images).unwrap().spread(3), chosen);
    }
}

/// Five sorted files behind each other, as CIFAR's batches may be.
#[test]
fn sets_of_sorted_parts_are_spread() {
    let dir = folder();
    let names = ["1", "2", "3", "4", "5"].map(|n| format!("data_batch_{n}.bin"));
    let labels: Vec<u8> = (0..10).flat_map(|label| [label; 10]).collect();
    names.iter().for_each(|name| drop(put(&dir, name, &cifar(1, &labels))));
    assert_eq!(open(dir.path()).unwrap().spread(10), (0..10).map(|n| 10 * n).collect::<Vec<_>>());
}

#[test]
fn labels_are_those_of_the_classes() {
    let dir = folder();
    let images = put(&dir, "x-images-idx3-ubyte", &idx_images(4, 2, 2));
    put(&dir, "x-labels-idx1-ubyte", &idx_labels(&[1, 9, 10, 26]));
    let set = open(images).unwrap();
    assert_eq!(set.labels(&[0, 1], 10).unwrap(), [Some(1), Some(9)]);
    let e = set.labels(&[0, 1, 2, 3], 10).unwrap_err();
    message(&e, &["x-labels-idx1-ubyte: image 2 has label 10", "10 classes (0 to 9)", "count from 1"]);
}

#[test]
fn what_is_no_file_is_named_at_once() {
    let dir = folder();
    let pipe = dir.path().join("t10k-images-idx3-ubyte");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for path in [dir.path(), pipe.as_path()] {
        message(&open(path).unwrap_err(), &["t10k-images-idx3-ubyte: is a pipe, expected a regular file"]);
    }
    message(&open("/dev/zero").unwrap_err(), &["/dev/zero: is a device"]);
    let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("a_0_1.png")).unwrap();
    message(&open(dir.path().join("a_0_1.png")).unwrap_err(), &["is a socket"]);
}

/// Any byte string opens or is refused; nothing panics and nothing large is allocated.
#[test]
fn damaged_files_never_panic() {
    let dir = folder();
    let seeds = [
        idx_images(2, 3, 3),
        gzip(&idx_images(2, 3, 3)),
        cifar(1, &[1]),
        png(3, 4, 4),
        jpeg(3),
        python_batch(),
    ];
    let mut state = 0x5eed_u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize
    };
    for (seed, name) in seeds.iter().zip(["a-images-idx3-ubyte", "b.gz", "c.bin", "d_1.png", "e_1.jpg", "f"])
    {
        for _ in 0..200 {
            let mut bytes = seed.clone();
            for _ in 0..1 + random() % 4 {
                let at = random() % bytes.len();
                bytes[at] = random() as u8;
            }
            bytes.truncate(random() % (bytes.len() * 2));
            if let Ok(set) = open(put(&dir, name, &bytes)) {
                (0..set.len().min(10)).for_each(|i| drop(set.image(i)));
            }
        }
    }
}

/// The whole Fashion-MNIST test set, where the machine has it.
#[test]
fn fashion_mnist_opens() {
    let path =
        std::env::var("SPIKEGATE_DATA").unwrap_or_else(|_| "/usr/share/datasets/fashion-mnist".to_owned());
    if !Path::new(&path).join("t10k-images-idx3-ubyte.gz").is_file() {
        println!("SKIPPED fashion_mnist_opens: no Fashion-MNIST in {path} (set SPIKEGATE_DATA)");
        return;
    }
    let set = open(&path).unwrap();
    assert_eq!((set.len(), set.shape(), set.is_labelled()), (10_000, [1, 28, 28], true));
    let mut per_class = [0; 10];
    (0..set.len()).for_each(|i| per_class[set.label(i).unwrap() as usize] += 1);
    assert_eq!(per_class, [1000; 10]);
}
