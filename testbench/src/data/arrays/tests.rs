//! Arrays as NumPy writes them, and as nobody should.
#![allow(clippy::unwrap_used)]

use crate::data::{open, open_split, DataError, DataSet, Split};
use spikegate_contract::failure::Failure;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A header as NumPy writes it, in front of some bytes.
fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    header(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"), values)
}

fn header(dict: &str, values: &[u8]) -> Vec<u8> {
    let length = (dict.len() + 11).next_multiple_of(64) - 10;
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((length as u16).to_le_bytes());
    out.extend(format!("{dict:<width$}\n", width = length - 1).as_bytes());
    out.extend(values);
    out
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i % 251) as u8).collect()
}

fn put(dir: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn npz(dir: &TempDir, name: &str, arrays: &[(&str, Vec<u8>)]) -> PathBuf {
    let path = dir.path().join(name);
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    for (at, (name, content)) in arrays.iter().enumerate() {
        // `np.savez` and `np.savez_compressed`.
        let method = [CompressionMethod::Stored, CompressionMethod::Deflated][at % 2];
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
    path
}

fn refused(path: &Path, parts: &[&str]) -> DataError {
    let error = open(path).unwrap_err();
    let text = error.in_a_line();
    parts.iter().for_each(|part| assert!(text.contains(part), "{text:?} does not say {part:?}"));
    error
}

fn pixels(set: &DataSet, index: usize) -> Vec<u8> {
    set.image(index).unwrap().into_owned()
}

#[test]
fn axes_are_told_by_their_channels() {
    let dir = folder();
    let grey = open(put(&dir, "a.npy", &npy("|u1", "(2, 4, 5)", &bytes(40)))).unwrap();
    assert_eq!((grey.len(), grey.shape(), pixels(&grey, 1)), (2, [1, 4, 5], bytes(40)[20..].to_vec()));
    let planes = open(put(&dir, "b.npy", &npy("|u1", "(2, 3, 4, 5)", &bytes(120)))).unwrap();
    assert_eq!((planes.shape(), pixels(&planes, 1)), ([3, 4, 5], bytes(120)[60..].to_vec()));
    let beside = open(put(&dir, "c.npy", &npy("u1", "(2, 4, 5, 3)", &bytes(120)))).unwrap();
    assert_eq!(beside.shape(), [3, 4, 5]);
    let expected: Vec<u8> =
        (0..3).flat_map(|c| (0..20).map(move |i| ((60 + 3 * i + c) % 251) as u8)).collect();
    assert_eq!(pixels(&beside, 1), expected);
    assert_eq!(beside.notes(), ["axes: (N, H, W, C), uint8 of (2, 4, 5, 3)"]);
    let shape = |shape: &str, count: usize| put(&dir, "d.npy", &npy("|u1", shape, &bytes(count)));
    refused(&shape("(2, 3, 4, 1)", 24), &["(N, C, H, W) or (N, H, W, C) alike"]);
    refused(&shape("(2, 4, 5, 2)", 80), &["without an axis of 1 or 3 channels"]);
    refused(&shape("(4, 5, 3)", 60), &["one picture (H, W, 3)", "images[None]"]);
    refused(&shape("(4, 784)", 3136), &["shape (4, 784) for images"]);
    refused(&shape("(7,)", 7), &["shape (7,) for images"]);
    refused(&shape("()", 1), &["shape () for images"]);
    refused(&shape("(0, 4, 4)", 0), &["at least one pixel"]);
}

#[test]
fn floats_from_0_to_1_become_bytes_and_others_are_refused() {
    let dir = folder();
    let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    let exact: Vec<f32> = (0..4).map(|v| (v * 80) as f32 / 255.0).collect();
    let set = open(put(&dir, "a.npy", &npy("<f4", "(1, 2, 2)", &floats(&exact)))).unwrap();
    assert_eq!(pixels(&set, 0), [0, 80, 160, 240]);
    assert!(set.notes().contains(&"pixels: 255 times the floats".to_owned()), "{:?}", set.notes());
    let big: Vec<u8> = [0.0, 0.25, 0.5, 1.0f64].iter().flat_map(|v| v.to_be_bytes()).collect();
    let set = open(put(&dir, "b.npy", &npy(">f8", "(1, 2, 2)", &big))).unwrap();
    assert_eq!(pixels(&set, 0), [0, 64, 128, 255]);
    assert!(set.notes()[1].ends_with("2 of 4 were rounded"), "{:?}", set.notes());
    for wrong in [[0.0, 0.5, -0.1, 1.0], [0.0, 200.0, 3.0, 1.0], [0.0, f32::NAN, 0.0, 0.0]] {
        let path = put(&dir, "c.npy", &npy("<f4", "(1, 2, 2)", &floats(&wrong)));
        refused(&path, &["floats beyond 0 to 1", "before they are normalised"]);
    }
    refused(&put(&dir, "d.npy", &npy("<i4", "(1, 1, 2)", &[0; 8])), &["an array of int32", "uint8"]);
}

#[test]
fn labels_lie_beside() {
    let dir = folder();
    let images = npy("|u1", "(3, 2, 2)", &bytes(12));
    let labels: Vec<u8> = [5i64, 0, 300].iter().flat_map(|v| v.to_le_bytes()).collect();
    let x = put(&dir, "x_test.npy", &images);
    assert_eq!(open(&x).unwrap().label(0), None);
    put(&dir, "y_test.npy", &npy("<i8", "(3, 1)", &labels));
    let set = open(&x).unwrap();
    assert_eq!([0, 1, 2, 3].map(|i| set.label(i)), [Some(5), Some(0), Some(300), None]);
    assert_eq!(open(dir.path()).unwrap().label(2), Some(300), "as the test images of the folder");
    // Its own name goes first.
    put(&dir, "x_test_labels.npy", &npy(">u2", "(3,)", &[0, 1, 0, 2, 1, 3]));
    assert_eq!(open(&x).unwrap().label(2), Some(259));
    let refuse = |labels: Vec<u8>, parts: &[&str]| {
        put(&dir, "x_test_labels.npy", &labels);
        refused(&x, parts);
    };
    refuse(npy("|u1", "(2,)", &[0; 2]), &["x_test_labels.npy: 2 labels for 3 images"]);
    refuse(npy("|u1", "(3, 10)", &[0; 30]), &["10 columns", "argmax"]);
    refuse(npy("|i1", "(3,)", &[0, 255, 0]), &["label -1 of image 1"]);
    refuse(npy("<u8", "(3,)", &[255; 24]), &["label 1844674407"]);
    refuse(npy("<f4", "(3,)", &[0; 12]), &["float32 for labels"]);
}

#[test]
fn archives_have_pairs_and_parts() {
    let dir = folder();
    let images = |n: usize| npy("|u1", &format!("({n}, 2, 2)"), &bytes(4 * n));
    let labels = |n: usize, label: u8| npy("|u1", &format!("({n},)"), &vec![label; n]);
    let both = [
        ("x_train.npy", images(5)),
        ("y_train.npy", labels(5, 1)),
        ("x_test.npy", images(3)),
        ("y_test.npy", labels(3, 2)),
    ];
    let path = npz(&dir, "mnist.npz", &both);
    let of = |split| open_split(&path, split).map(|set| (set.len(), set.label(0))).unwrap();
    assert_eq!((of(Split::Default), of(Split::Calibration)), ((3, Some(2)), (5, Some(1))));
    let named = open(format!("{}#train", path.display())).unwrap();
    assert_eq!((named.len(), pixels(&named, 1)), (5, bytes(8)[4..].to_vec()));
    assert!(named.notes()[0].contains("images: x_train of") && named.notes()[0].ends_with("labels: y_train"));
    let plain = npz(&dir, "b.npz", &[("arr_0.npy", images(2)), ("arr_1.npy", labels(2, 7))]);
    assert_eq!(open(&plain).unwrap().label(1), Some(7));
    let text = open_split(&plain, Split::Test).unwrap_err().to_string();
    assert!(text.contains("it holds \"arr_0.npy\", \"arr_1.npy\", expected x_test"), "{text}");
    let none = npz(&dir, "c.npz", &[("Images.npy", images(2))]);
    let set = open(&none).unwrap();
    assert_eq!(
        (set.label(0), set.notes()[0].ends_with("there is no labels")),
        (None, true),
        "{:?}",
        set.notes()
    );
    refused(&npz(&dir, "d.npz", &[]), &["it holds nothing"]);
}

#[test]
fn what_is_no_plain_array_is_named() {
    let dir = folder();
    let try_one = |content: Vec<u8>, parts: &[&str]| {
        refused(&put(&dir, "x.npy", &content), parts);
        refused(&npz(&dir, "x.npz", &[("images.npy", content)]), parts);
    };
    let fortran = "{'descr': '|u1', 'fortran_order': True, 'shape': (1, 2, 2), }";
    try_one(header(fortran, &[0; 4]), &["Fortran order", "ascontiguousarray"]);
    try_one(npy("|O", "(1, 2, 2)", b"\x80\x02."), &["Python objects (a pickle)"]);
    try_one(npy("|b1", "(1, 2, 2)", &[0; 4]), &["booleans"]);
    try_one(npy("<c8", "(1, 2, 2)", &[0; 32]), &["type \"<c8\""]);
    let rows = "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (4,), }";
    try_one(header(rows, &[0; 4]), &["no dict of descr"]);
    let twice = "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (4,), }";
    try_one(header(twice, &[0; 4]), &["no dict of descr"]);
    try_one(header("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 2, 2), }", &[]), &["no dict"]);
    try_one(header("{'descr': '|u1', 'fortran_order': False, 'shape': (2e9, 2, 2), }", &[]), &["no dict"]);
    try_one(header("__import__('os').system('touch broken')", &[]), &["no dict"]);
    let text = npy("|u1", "(1, 2, 2)", &[0; 4]);
    try_one([&text[..6], &[9], &text[7..]].concat(), &["version 9"]);
    try_one(text[..40].to_vec(), &["its header is cut"]);
    try_one(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), &["4294967295 bytes long"]);
}

#[test]
fn what_is_cut_or_lies_is_refused_without_memory() {
    let dir = folder();
    let text = |shape: &str, n: usize| npy("|u1", shape, &bytes(n));
    refused(&put(&dir, "a.npy", &text("(2, 2, 2)", 7)), &["truncated", "uint8 of shape (2, 2, 2)"]);
    refused(&put(&dir, "a.npy", &text("(2, 2, 2)", 9)), &["do not fit"]);
    let huge = "(9223372036854775807, 9223372036854775807, 4)";
    refused(&put(&dir, "a.npy", &text(huge, 9)), &["truncated"]);
    // A sparse file of so many images has all its bytes.
    let path = put(&dir, "many.npy", &text("(70000000, 1, 1)", 0));
    let length = std::fs::metadata(&path).unwrap().len() + 70_000_000;
    File::options().write(true).open(&path).unwrap().set_len(length).unwrap();
    refused(&path, &["70000000 images"]);
    // 2 GiB of zeros in an archive of 2 MB: refused by what the header says, before they are unpacked.
    let bomb = dir.path().join("bomb.npz");
    let mut zip = ZipWriter::new(File::create(&bomb).unwrap());
    zip.start_file("images.npy", SimpleFileOptions::default()).unwrap();
    zip.write_all(&text("(2, 32768, 32768)", 0)).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..2048).for_each(|_| zip.write_all(&zeros).unwrap());
    zip.finish().unwrap();
    refused(&bomb, &["bomb.npz/images.npy", "at most 1073741824"]);
    // An archive whose array is longer than its header says.
    let lies = npz(&dir, "lies.npz", &[("a.npy", vec![]), ("images.npy", text("(1, 2, 2)", 100_000))]);
    refused(&lies, &["do not fit"]);
    let whole = std::fs::read(npz(&dir, "w.npz", &[("images.npy", text("(1, 2, 2)", 4))])).unwrap();
    for cut in 4..whole.len() {
        let path = put(&dir, "cut.npz", &whole[..cut]);
        assert!(open(&path).is_err(), "cut at {cut}");
    }
    for at in 4..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        // Refused or not, nothing panics.
        let _ = open(put(&dir, "damaged.npz", &damaged)).map(|set| set.image(0).map(|_| ()));
    }
}

#[test]
fn a_directory_without_end_is_not_read() {
    let dir = folder();
    let arrays: Vec<(String, Vec<u8>)> = (0..65).map(|i| (format!("a{i}.npy"), vec![])).collect();
    let arrays: Vec<(&str, Vec<u8>)> = arrays.iter().map(|(n, b)| (n.as_str(), b.clone())).collect();
    refused(&npz(&dir, "many.npz", &arrays), &["65 arrays, expected at most 64"]);
}
