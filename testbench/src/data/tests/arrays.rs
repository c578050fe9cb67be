//! Files of many images: IDX and CIFAR.

use super::*;

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
