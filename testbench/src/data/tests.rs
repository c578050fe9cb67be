//! Every form that is read, and every way it can be wrong.
#![allow(clippy::unwrap_used)]

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

fn message(error: &DataError, parts: &[&str]) {
    let text = error.in_a_line();
    for part in parts {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
}

#[test]
fn idx_plain_and_gzip_give_the_same_images() {
    let dir = folder();
    let plain = put(&dir, "a-images-idx3-ubyte", &idx_images(3, 2, 4));
    put(&dir, "a-labels-idx1-ubyte.gz", &gzip(&idx_labels(&[7, 0, 9])));
    let packed = put(&dir, "b-images-idx3-ubyte.gz", &gzip(&idx_images(3, 2, 4)));
    let (a, b) = (open(&plain).unwrap(), open(&packed).unwrap());
    assert_eq!((a.len(), a.shape()), (3, [1, 2, 4]));
    assert_eq!(a.image(1).unwrap(), (8..16).collect::<Vec<u8>>());
    assert_eq!(a.image(2).unwrap(), b.image(2).unwrap());
    assert_eq!((a.label(0), a.label(2), a.label(3)), (Some(7), Some(9), None));
    assert!(a.is_labelled() && !b.is_labelled(), "labels are found packed or not; b has none");
    message(&a.image(3).unwrap_err(), &["no image 3", "has 3 (0 to 2)"]);
}

#[test]
fn a_folder_prefers_test_images_and_a_suffix_chooses() {
    let dir = folder();
    put(&dir, "t10k-images-idx3-ubyte.gz", &gzip(&idx_images(1, 2, 2)));
    put(&dir, "train-images-idx3-ubyte.gz", &gzip(&idx_images(2, 2, 2)));
    assert_eq!(open(dir.path()).unwrap().len(), 1);
    let at = |suffix: &str| open(format!("{}{suffix}", dir.path().display()));
    assert_eq!(at("#train").unwrap().len(), 2);
    assert_eq!(at("#test").unwrap().len(), 1);
    assert_eq!(open_split(dir.path(), Split::Train).unwrap().len(), 2);
    fs::remove_file(dir.path().join("t10k-images-idx3-ubyte.gz")).unwrap();
    assert_eq!(open(dir.path()).unwrap().len(), 2);
    assert!(matches!(at("#test").unwrap_err(), DataError::NothingFound { .. }));
    let file = format!("{}/train-images-idx3-ubyte.gz#test", dir.path().display());
    assert!(matches!(open(file).unwrap_err(), DataError::Unsupported { .. }));
}

#[test]
fn idx_that_is_wrong_is_refused() {
    let dir = folder();
    let check = |name: &str, bytes: &[u8]| open(put(&dir, name, bytes)).unwrap_err();
    let whole = idx_images(2, 3, 3);
    let e = check("magic", &idx_labels(&[1]));
    assert!(matches!(e, DataError::BadMagic { .. }));
    message(&e, &["00 00 08 01", "00 00 08 03"]);
    assert!(matches!(check("empty", &[]), DataError::Truncated { .. }));
    assert!(matches!(check("header", &whole[..9]), DataError::Truncated { .. }));
    let e = check("short", &whole[..whole.len() - 1]);
    message(&e, &["truncated", "2 images of 3 x 3", "34", "33"]);
    assert!(matches!(e, DataError::Truncated { .. }));
    assert!(matches!(check("long", &[&whole[..], &[0]].concat()), DataError::SizesDisagree { .. }));
    assert!(matches!(check("none", &idx_images(0, 3, 3)), DataError::SizesDisagree { .. }));
    let packed = gzip(&idx_images(50, 20, 20));
    assert!(matches!(check("cut.gz", &packed[..packed.len() / 2]), DataError::Truncated { .. }));
    let mut huge = vec![0, 0, 8, 3];
    huge.extend([0xff; 12]);
    assert!(matches!(check("huge", &huge), DataError::TooManyImages { .. }));
    huge[4..8].copy_from_slice(&[0, 0, 0, 9]);
    assert!(matches!(check("larger", &huge), DataError::Truncated { .. }));
    assert!(matches!(check("larger.gz", &gzip(&huge)), DataError::TooLarge { .. }));
    assert!(matches!(open(dir.path().join("absent")).unwrap_err(), DataError::Io { .. }));
}

#[test]
fn labels_must_belong_to_the_images() {
    let dir = folder();
    let images = put(&dir, "x-images-idx3-ubyte", &idx_images(3, 2, 2));
    put(&dir, "x-labels-idx1-ubyte", &idx_labels(&[1, 2]));
    let e = open(&images).unwrap_err();
    assert!(matches!(e, DataError::LabelCount { labels: 2, images: 3, .. }));
    let mut labels = idx_labels(&[1, 2, 3]);
    labels.pop();
    put(&dir, "x-labels-idx1-ubyte", &labels);
    assert!(matches!(open(&images).unwrap_err(), DataError::Truncated { .. }));
    put(&dir, "x-labels-idx1-ubyte", &idx_images(3, 1, 1));
    assert!(matches!(open(&images).unwrap_err(), DataError::BadMagic { .. }));
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

#[test]
fn cifar_binaries_are_read_by_name_and_by_size() {
    let dir = folder();
    put(&dir, "test_batch.bin", &cifar(1, &[3, 9]));
    put(&dir, "data_batch_1.bin", &cifar(1, &[1]));
    put(&dir, "data_batch_2.bin", &cifar(1, &[2, 4]));
    let test = open(dir.path()).unwrap();
    assert_eq!((test.len(), test.shape(), test.label(1)), (2, [3, 32, 32], Some(9)));
    let image = test.image(0).unwrap();
    assert_eq!((image[0], image[1024], image[3071]), (3, 53, 103));
    let train = open_split(dir.path(), Split::Train).unwrap();
    assert_eq!((train.len(), train.label(2)), (3, Some(4)));
    assert_eq!(train.image(2).unwrap()[0], 4);

    let hundred = folder();
    let set = open(put(&hundred, "test.bin", &cifar(2, &[99, 0]))).unwrap();
    assert_eq!((set.len(), set.label(0), set.image(0).unwrap()[0]), (2, Some(99), 99));
    assert_eq!(open(put(&hundred, "other.bin", &cifar(2, &[42]))).unwrap().label(0), Some(42));
    assert_eq!(open(put(&hundred, "more.bin", &cifar(1, &[4]))).unwrap().label(0), Some(4));
}

#[test]
fn cifar_that_is_wrong_is_refused() {
    let dir = folder();
    let e = open(put(&dir, "test_batch.bin", &cifar(1, &[1])[..3000])).unwrap_err();
    assert!(matches!(e, DataError::SizesDisagree { .. }));
    message(&e, &["3000 bytes", "3073-byte"]);
    assert!(matches!(open(put(&dir, "test.bin", &[])).unwrap_err(), DataError::SizesDisagree { .. }));
    let e = open(put(&dir, "test_batch.bin", &cifar(1, &[0, 10]))).unwrap_err();
    assert!(matches!(e, DataError::BadLabel { index: 1, label: 10, classes: 10, .. }));
    let both = vec![0; 3073 * 3074];
    assert!(matches!(open(put(&dir, "both.bin", &both)).unwrap_err(), DataError::SizesDisagree { .. }));
}

#[test]
fn a_flat_folder_takes_labels_from_names() {
    let dir = folder();
    put(&dir, "cifar10_00_5.png", &png(3, 2, 4));
    put(&dir, "cifar10_01_3.png", &png(3, 2, 4));
    put(&dir, "holiday.png", &png(3, 2, 4));
    put(&dir, "notes.txt", b"not an image");
    put(&dir, "empty/.hidden", b"");
    let set = open(dir.path()).unwrap();
    assert_eq!((set.len(), set.shape()), (3, [3, 2, 4]));
    assert_eq!([set.label(0), set.label(1), set.label(2)], [Some(5), Some(3), None]);
    assert!(!set.is_labelled());
    let notes = set.notes().join("\n");
    assert!(
        notes.contains("left out: 2 (not in a class folder, or no PNG or JPEG): notes.txt, empty"),
        "{notes}"
    );
    assert!(notes.contains("2 of 3 pictures"), "{notes}");
    // Interleaved 0, 1, 2, 3, ... becomes planes.
    assert_eq!(set.image(0).unwrap()[..9], [0, 3, 6, 9, 12, 15, 18, 21, 1]);
    let one = open(dir.path().join("cifar10_01_3.png")).unwrap();
    assert_eq!((one.len(), one.label(0)), (1, Some(3)));
}

#[test]
fn sub_folders_are_classes() {
    let dir = folder();
    put(&dir, "test/cat/b.png", &png(1, 3, 3));
    put(&dir, "test/ant/a.png", &png(1, 3, 3));
    put(&dir, "test/ant/c.JPG", &encode(image::ImageFormat::Jpeg, 1, 3, 3));
    let set = open(dir.path().join("test")).unwrap();
    assert_eq!((set.len(), set.shape()), (3, [1, 3, 3]));
    let classes: Vec<_> = set.classes().iter().map(|c| (c.label, c.name.as_str(), c.images)).collect();
    assert_eq!(classes, [(0, "ant", 2), (1, "cat", 1)]);
    assert_eq!(set.notes(), ["classes: 0 ant, 1 cat (folders in the order of their names)"]);
    assert_eq!([set.label(0), set.label(1), set.label(2)], [Some(0), Some(0), Some(1)]);
    assert!(
        set.image(1).unwrap().iter().enumerate().all(|(i, &v)| v.abs_diff(i as u8) < 8),
        "a JPEG, nearly"
    );
    let split = open(format!("{}#test", dir.path().display())).unwrap();
    assert_eq!(split.len(), 3);
}

#[test]
fn images_that_are_wrong_are_refused() {
    let dir = folder();
    assert!(matches!(open(dir.path()).unwrap_err(), DataError::NothingFound { .. }));
    put(&dir, "0_1.png", &png(3, 2, 2));
    put(&dir, "1_1.png", &png(3, 2, 3));
    put(&dir, "2_1.png", b"not a png");
    put(&dir, "3_1.png", &png(3, 2, 2)[..40]);
    put(&dir, "4_1.png", &png(4, 2, 2));
    let set = open(dir.path()).unwrap();
    assert!(matches!(set.image(1).unwrap_err(), DataError::MixedSizes { got: [3, 2, 3], .. }));
    assert!(matches!(set.image(2).unwrap_err(), DataError::BadImage { .. }));
    assert!(matches!(set.image(3).unwrap_err(), DataError::BadImage { .. }));
    assert!(matches!(set.image(4).unwrap_err(), DataError::Unsupported { .. }));
    let e = set.require_shape([3, 32, 32]).unwrap_err();
    assert!(matches!(e, DataError::WrongImageSize { .. }));
    message(&e, &["3 channel(s) x 2 x 2", "3 x 32 x 32", "never resized"]);
    set.require_shape([3, 2, 2]).unwrap();
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

#[test]
fn batches_for_python_are_data() {
    let dir = folder();
    put(&dir, "cifar-10-batches-py/test_batch", &python_batch());
    let set = open(dir.path()).unwrap();
    assert_eq!((set.len(), set.label(0), set.label(1)), (2, Some(3), Some(9)));
    assert_eq!((set.image(0).unwrap()[3071], set.image(1).unwrap()[0]), (2, 3));
    // A pickle that would run something if it were loaded.
    let hostile = b"\x80\x02}(U\x06labels]U\x04datacos\nsystem\nU\x04true\x85Ru.";
    let e = open(put(&dir, "hostile", hostile)).unwrap_err();
    message(&e, &["a Python pickle, read as data", "`data` is no u8 array"]);
    // Doubling lists of lists stay as small as the file.
    let mut bomb = b"\x80\x02]q\x00".to_vec();
    (0..60u8).for_each(|n| bomb.extend([b']', b'(', b'h', n, b'h', n, b'e', b'q', n + 1]));
    bomb.push(b'.');
    assert!(matches!(open(put(&dir, "bomb", &bomb)).unwrap_err(), DataError::BadBatch { .. }));
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

#[test]
fn no_cut_picture_is_read() {
    let dir = folder();
    for (name, bytes) in [("a_0_1.jpg", jpeg(3)), ("b_0_1.jpg", jpeg(1))] {
        open(put(&dir, name, &bytes)).unwrap();
        for len in (0..bytes.len()).step_by(7).chain(bytes.len() - 40..bytes.len()) {
            assert!(open(put(&dir, name, &bytes[..len])).is_err(), "{name} of {len} bytes");
        }
        // What comes behind the end does not matter.
        open(put(&dir, name, &[&bytes[..], b"more"].concat())).unwrap();
    }
    let bytes = png(3, 32, 40);
    // The last four bytes are the checksum of an empty chunk.
    for len in (0..bytes.len() - 40).step_by(7).chain(bytes.len() - 40..bytes.len() - 4) {
        assert!(open(put(&dir, "c_0_1.png", &bytes[..len])).is_err(), "PNG of {len} bytes");
    }
}

/// JFIF, Adobe's segment and the components' names say what the components are, in this order, as libjpeg takes it.
#[test]
fn the_colours_of_a_jpeg_are_those_that_libjpeg_sees() {
    use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
    let dir = folder();
    let pixels =
        |name: &str, bytes: &[u8]| picture::decode(&put(&dir, name, bytes)).map(|(_, pixels)| pixels);
    let jfif = jpeg(3);
    assert_eq!(&jfif[2..4], [0xff, 0xe0]);
    let rest = &jfif[4 + usize::from(jfif[5])..];
    let adobe =
        |transform: u8| [&[0xff, 0xee, 0, 14][..], b"Adobe", &[0, 100, 0, 0, 0, 0, transform]].concat();
    let named = |names: [u8; 3]| {
        let mut out = rest.to_vec();
        for (marker, first, step) in [(0xc0, 10, 3), (0xda, 5, 2)] {
            let at = out.windows(2).position(|pair| pair == [0xff, marker]).unwrap() + first;
            (0..3).for_each(|n| out[at + n * step] = names[n]);
        }
        out
    };
    let file = |parts: &[&[u8]]| [&[&[0xff, 0xd8][..]], parts].concat().concat();
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::YCbCr);
    let raw = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(&jfif), options).decode().unwrap();
    let raw: Vec<u8> = (0..3).flat_map(|c| raw.iter().skip(c).step_by(3).copied()).collect();
    let converted = pixels("jfif.jpg", &jfif).unwrap();
    assert_ne!(raw, converted);
    let segment = &jfif[2..jfif.len() - rest.len()];
    for (name, bytes, expected) in [
        ("adobe_rgb.jpg", file(&[&adobe(0), rest]), &raw),
        ("adobe_ycc.jpg", file(&[&adobe(1), rest]), &converted),
        ("adobe_ycck.jpg", file(&[&adobe(2), rest]), &converted),
        ("adobe_rgb_named.jpg", file(&[&adobe(0), &named(*b"RGB")]), &raw),
        ("named.jpg", file(&[&named(*b"RGB")]), &raw),
        ("unnamed.jpg", file(&[rest]), &converted),
        ("jfif_and_adobe.jpg", file(&[segment, &adobe(0), rest]), &converted),
    ] {
        assert!(pixels(name, &bytes).unwrap() == *expected, "{name}");
    }
    let odd = pixels("odd.jpg", &file(&[segment, &named(*b"RGB")])).unwrap_err();
    message(&odd, &["YCbCr whose components are called RGB"]);
}

/// Orientations in a JPEG; those in a PNG are tried from outside.
#[test]
fn orientations_are_counted_and_not_applied() {
    let dir = folder();
    let whole = jpeg(3);
    let with = |orientation: u8| {
        let exif = [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", &[orientation][..], &[0; 6]].concat();
        let length = (exif.len() + 8) as u8;
        [&whole[..2], &[0xff, 0xff, 0xe1, 0, length], b"Exif\0\0", &exif, &whole[2..]].concat()
    };
    for (name, bytes) in [
        ("a.jpg", with(6)),
        ("b.jpg", with(1)),
        ("c.jpg", whole.clone()),
        ("d.jpg", b"\xff\xd8\xff\xe1".to_vec()),
    ] {
        put(&dir, name, &bytes);
    }
    let set = open(dir.path()).unwrap();
    assert_eq!((set.turned(&[0, 1, 2, 3]), set.turned(&[1, 2, 3]), set.turned(&[9])), (1, 0, 0));
    assert_eq!(set.image(0).unwrap(), set.image(2).unwrap());
}

/// A JPEG has no checksum: most damage shows in its blocks, not all.
#[test]
fn most_damaged_pictures_are_refused() {
    let whole = jpeg(3);
    let from = whole.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap() + 14;
    let (mut refused, mut all) = (0, 0);
    for at in (from..whole.len() - 2).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5a;
        all += 1;
        refused += usize::from(jpeg::require_whole(&bytes).is_err());
    }
    println!("{refused} of {all} are refused");
    assert!(refused * 10 > all * 8, "{refused} of {all}");
}

/// The folder and label of every picture, and the names of the classes.
fn classes_of(path: impl AsRef<Path>) -> (Vec<(String, u16)>, Vec<String>) {
    let set = open(path).unwrap();
    let folder = |path: &Path| path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let pictures = set.files().enumerate().map(|(i, file)| (folder(file), set.label(i).unwrap())).collect();
    (pictures, set.classes().iter().map(|class| class.name.clone()).collect())
}

#[test]
fn parts_have_the_classes_of_the_training_images() {
    let dir = folder();
    let picture = |name: &str| put(&dir, &format!("{name}/0.png"), &png(1, 2, 2));
    let at = |name: &str| dir.path().join(name);
    ["train/ant", "train/bee", "train/cat", "val/ant", "val/cat"].iter().for_each(|name| drop(picture(name)));
    // Without the training images `cat` would be 1.
    for path in [dir.path().to_owned(), at("val")] {
        let (pictures, classes) = classes_of(path);
        assert_eq!(pictures, [("ant".to_owned(), 0), ("cat".to_owned(), 2)]);
        assert_eq!(classes, ["ant", "bee", "cat"]);
    }
    picture("val/zoo");
    message(&open(dir.path()).unwrap_err(), &["val/zoo: ", "/train has no folder of this class"]);
    assert_eq!(open(format!("{}#train", dir.path().display())).unwrap().len(), 3, "the others are not read");
    // Of parts without training images, all count.
    fs::remove_dir_all(at("train")).unwrap();
    picture("test/bee");
    let (pictures, classes) = classes_of(at("val"));
    assert_eq!(pictures, [("ant".to_owned(), 0), ("cat".to_owned(), 2), ("zoo".to_owned(), 3)]);
    assert_eq!(classes, ["ant", "bee", "cat", "zoo"]);
}

#[test]
fn folders_without_pictures_do_not_make_numbers_places() {
    let dir = folder();
    for class in [0, 1, 2, 10, 11] {
        put(&dir, &format!("{class}/0.png"), &png(1, 2, 2));
    }
    for name in ["unsorted", "@eaDir", "5"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    put(&dir, "notes/a.txt", b"a");
    let (pictures, classes) = classes_of(dir.path());
    let expected = [0, 1, 2, 10, 11].map(|n: u16| (n.to_string(), n));
    assert_eq!((pictures.as_slice(), classes.len()), (&expected[..], 6));
    assert!(open(dir.path()).unwrap().notes()[0].ends_with("notes, unsorted"));
    // Of names, what a system leaves is no class.
    let dir = folder();
    for name in ["ant/0.png", "bee/0.png", "@eaDir/0.png"] {
        put(&dir, name, &png(1, 2, 2));
    }
    assert_eq!(classes_of(dir.path()).1, ["ant", "bee"]);
}

#[test]
fn a_class_may_be_called_like_a_part() {
    for part in ["train", "test", "val", "valid"] {
        let dir = folder();
        for name in ["ant", "bee", part] {
            put(&dir, &format!("{name}/0.png"), &png(1, 2, 2));
        }
        assert_eq!(classes_of(dir.path()).1, ["ant", "bee", part]);
        // Folders without pictures beside it are none.
        let dir = folder();
        for name in ["ant", "bee"] {
            put(&dir, &format!("{part}/{name}/0.png"), &png(1, 2, 2));
        }
        put(&dir, "annotations/a.json", b"{}");
        assert_eq!(classes_of(dir.path()).1, ["ant", "bee"]);
    }
}

#[test]
fn a_gzip_file_without_its_end_is_refused() {
    let dir = folder();
    let images = put(&dir, "a-images-idx3-ubyte.gz", &gzip(&idx_images(3, 2, 2)));
    let labels = gzip(&idx_labels(&[1, 2, 3]));
    for cut in 1..=8 {
        put(&dir, "a-labels-idx1-ubyte.gz", &labels[..labels.len() - cut]);
        message(&open(&images).unwrap_err(), &["a-labels-idx1-ubyte.gz: a gzip file", "checksum", "again"]);
    }
    let mut flipped = labels.clone();
    *flipped.last_mut().unwrap() ^= 1;
    put(&dir, "a-labels-idx1-ubyte.gz", &flipped);
    message(&open(&images).unwrap_err(), &["a gzip file", "copy or download it again"]);
    let packed = gzip(&cifar(1, &[1, 2]));
    put(&dir, "test_batch.bin.gz", &packed);
    assert_eq!(open(dir.path()).unwrap().len(), 2);
    put(&dir, "test_batch.bin.gz", &packed[..packed.len() - 4]);
    message(&open(dir.path()).unwrap_err(), &["a gzip file", "checksum"]);
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
