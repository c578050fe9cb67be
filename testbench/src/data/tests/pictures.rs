//! Folders of pictures.

use super::*;

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
