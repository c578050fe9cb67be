//! Everything that can be wrong with a data set.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Why a data set, or one image of it, was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// Path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The first bytes are not those of the format.
    #[error("{}: starts with {got}, expected {expected}", path.display())]
    BadMagic {
        /// Path.
        path: PathBuf,
        /// Bytes found.
        got: String,
        /// Bytes of the format.
        expected: &'static str,
    },
    /// The file ends before its last image or label.
    #[error("{}: truncated: {what} need {expected} bytes, the file has {got}", path.display())]
    Truncated {
        /// Path.
        path: PathBuf,
        /// What the bytes are for.
        what: String,
        /// Bytes that should be there.
        expected: u64,
        /// Bytes that are.
        got: u64,
    },
    /// The file goes on after its last image or label, or is no whole number of records.
    #[error("{}: {got} bytes do not fit {expected}", path.display())]
    SizesDisagree {
        /// Path.
        path: PathBuf,
        /// What the size should be.
        expected: String,
        /// Bytes in the file.
        got: u64,
    },
    /// Larger than any data set that is read into memory.
    #[error("{}: {bytes} bytes (unpacked), at most {limit} are read into memory", path.display())]
    TooLarge {
        /// Path.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// More images than any data set has.
    #[error("{}: the header says {images} images ({bytes} bytes), at most {limit} are read", path.display())]
    TooManyImages {
        /// Path.
        path: PathBuf,
        /// Images by the header.
        images: u64,
        /// Bytes of the file by the header.
        bytes: u64,
        /// The limit.
        limit: usize,
    },
    /// More images are wanted at once than memory should hold.
    #[error("{}: {images} images are {bytes} bytes, at most {limit} are held at a time", path.display())]
    TooManyTaken {
        /// Data set.
        path: PathBuf,
        /// Images wanted.
        images: usize,
        /// Their bytes.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// More files in a folder than any data set has.
    #[error("{}: over {limit} files in one folder", path.display())]
    TooManyFiles {
        /// Folder.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// A pipe, a socket, a device or a folder where a file is read.
    #[error("{}: is {what}, expected a regular file", path.display())]
    NotAFile {
        /// Path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A gzip file that does not unpack.
    #[error("{}: a gzip file, but {what}", path.display())]
    BadGzip {
        /// Path.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A pickle that is no batch of CIFAR images.
    #[error("{}: a Python pickle, read as data, that is no batch of CIFAR images: {what}", path.display())]
    BadBatch {
        /// Path.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A NumPy array, or an archive of some, that cannot be read.
    #[error("{}: a NumPy array or archive, but {what}", path.display())]
    BadArray {
        /// Path, with the array's name behind that of an archive.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A class folder whose files are all of other kinds.
    #[error("{}: no PNG or JPEG in this folder of class {label}, it holds {holds}", path.display())]
    NoPictures {
        /// The class folder.
        path: PathBuf,
        /// The label it stands for.
        label: u16,
        /// Names of some of its files.
        holds: String,
    },
    /// A class folder that the training images have none of.
    #[error("{}: {} has no folder of this class", path.display(), beside.display())]
    UnknownClass {
        /// The class folder.
        path: PathBuf,
        /// The folder whose class folders say which labels there are.
        beside: PathBuf,
    },
    /// Two class folders are the same number.
    #[error("{} and {second}: both folders stand for the same label", first.display())]
    SameNumber {
        /// One folder.
        first: PathBuf,
        /// Name of the other.
        second: String,
    },
    /// More class folders than there are labels.
    #[error("{count} class folders, expected at most 65536")]
    TooManyClasses {
        /// Number of folders.
        count: usize,
    },
    /// A label that the network has no class for.
    #[error(
        "{}: image {index} has label {label}, the network has {classes} classes (0 to {})",
        path.display(), classes.saturating_sub(1)
    )]
    LabelOutside {
        /// File of the label.
        path: PathBuf,
        /// Image.
        index: usize,
        /// Its label.
        label: u16,
        /// Classes of the network.
        classes: usize,
        /// What to do.
        todo: &'static str,
    },
    /// Several pictures that cannot be read.
    #[error("{first}\n{count} of {of} pictures cannot be used, also {names}")]
    Several {
        /// Why the first cannot.
        first: Box<DataError>,
        /// How many cannot.
        count: usize,
        /// Of how many.
        of: usize,
        /// Names of the others.
        names: String,
    },
    /// As many labels as images are needed.
    #[error("{}: {labels} labels for {images} images in {}", path.display(), images_path.display())]
    LabelCount {
        /// Labels file.
        path: PathBuf,
        /// Number of labels.
        labels: usize,
        /// Images file.
        images_path: PathBuf,
        /// Number of images.
        images: usize,
    },
    /// A label outside the format's classes.
    #[error("{}: image {index} has label {label}, expected below {classes}", path.display())]
    BadLabel {
        /// Path.
        path: PathBuf,
        /// Image.
        index: usize,
        /// Its label.
        label: u16,
        /// Number of classes of the format.
        classes: u16,
    },
    /// Images of other extents than the network reads.
    #[error(
        "{}: images are {} channel(s) x {} x {}, the network reads {} x {} x {}",
        path.display(), got[0], got[1], got[2], expected[0], expected[1], expected[2]
    )]
    WrongImageSize {
        /// Data set.
        path: PathBuf,
        /// What the network reads, `[C, H, W]`.
        expected: [usize; 3],
        /// What the set has.
        got: [usize; 3],
    },
    /// One image differs from the first of its set.
    #[error(
        "{}: {} channel(s) x {} x {}, but the first image of this set is {} x {} x {}",
        path.display(), got[0], got[1], got[2], expected[0], expected[1], expected[2]
    )]
    MixedSizes {
        /// The image.
        path: PathBuf,
        /// The first image, `[C, H, W]`.
        expected: [usize; 3],
        /// This image.
        got: [usize; 3],
    },
    /// An image file that does not decode.
    #[error("{}: cannot be decoded: {reason}", path.display())]
    BadImage {
        /// The image.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// Something known that is not read.
    #[error("{}: {what} is not supported", path.display())]
    Unsupported {
        /// Path.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What to do.
        todo: &'static str,
    },
    /// A folder without anything to read.
    #[error("{}: no images found{holds}", path.display())]
    NothingFound {
        /// The folder.
        path: PathBuf,
        /// What it holds instead.
        holds: String,
        /// What it may hold, of the forms with files of their own.
        files: String,
    },
    /// A folder with several data sets.
    #[error("{}: holds several data sets, {names}", path.display())]
    SeveralSets {
        /// The folder.
        path: PathBuf,
        /// Their folders.
        names: String,
    },
    /// An index past the end.
    #[error("{}: there is no image {index}, the set has {len} (0 to {})", path.display(), len.saturating_sub(1))]
    NoSuchImage {
        /// Data set.
        path: PathBuf,
        /// Index asked for.
        index: usize,
        /// Number of images.
        len: usize,
    },
}

impl DataError {
    pub(super) fn io(path: &Path, source: std::io::Error) -> DataError {
        DataError::Io { path: path.to_owned(), source }
    }
}

impl Failure for DataError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::BadMagic { .. }
            | Self::SizesDisagree { .. }
            | Self::TooManyImages { .. }
            | Self::BadLabel { .. } => Some("is this the right file?".into()),
            Self::Truncated { .. } | Self::BadImage { .. } | Self::BadGzip { .. } => Some("copy or download it again".into()),
            Self::TooLarge { .. } => Some("unpack or split the file".into()),
            Self::TooManyTaken { .. } => Some("take fewer images".into()),
            Self::TooManyFiles { .. } => Some("give a smaller one".into()),
            Self::NotAFile { .. } => Some(
                "copy the data to a file (`run` also reads raw images on standard input: `--input -`)".into(),
            ),
            Self::BadBatch { .. } => {
                Some("download it again, or give IDX files, the binary version, or pictures".into())
            }
            Self::NoPictures { .. } => Some("convert its pictures to PNG or JPEG".into()),
            Self::UnknownClass { .. } => Some(
                "labels count the class folders of the training images: give both the same names, or keep apart what is not \
                 one data set"
                    .into(),
            ),
            Self::SameNumber { .. } => Some("put their pictures into one".into()),
            Self::TooManyClasses { .. } => Some("is this the right folder?".into()),
            Self::LabelOutside { todo, .. } => Some((*todo).into()),
            Self::Several { .. } => Some("repair or remove them".into()),
            Self::LabelCount { .. } => Some("use files of the same split".into()),
            Self::WrongImageSize { .. } => Some(
                "images are never resized: prepare them at that size, or use the data set the \
                 network was trained on"
                    .into(),
            ),
            Self::MixedSizes { .. } => Some("all images of a set need the same size".into()),
            Self::Unsupported { todo, .. } => Some((*todo).into()),
            Self::NothingFound { files, .. } => Some(
                format!(
                    "expected {files} or PNG/JPEG images, in this folder, one folder per class, or train/ and test/"
                )
                .into(),
            ),
            Self::BadArray { .. } => {
                Some("save it again with np.save or np.savez, or give IDX files".into())
            }
            Self::SeveralSets { .. } => Some("give the folder of one".into()),
            Self::Io { .. } | Self::NoSuchImage { .. } => None,
        }
    }
}
