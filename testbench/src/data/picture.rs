//! One PNG or JPEG file as planes of bytes. What is not whole, or not 8 bits of grey or RGB, is refused and named.

use super::jpeg::{self, Colours};
use super::{file, orientation, DataError};
use image::{ColorType, ImageFormat, ImageReader, Limits};
use std::path::Path;
use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

/// Largest side, and largest decoded size in bytes: far above any network's input.
const MAX_SIDE: u32 = 4096;
const MAX_DECODED: u64 = 128 << 20;

/// Extents `[C, H, W]` and pixels, in that order.
pub(super) type Picture = ([usize; 3], Vec<u8>);

const SAVE: &str = "save it with 8 bits per channel, grey or RGB, without alpha";

/// Whether a lower-case file name is one of a picture that is read.
pub(super) fn is_picture(name: &str) -> bool {
    [".png", ".jpg", ".jpeg"].iter().any(|end| name.ends_with(end))
}

/// What the first bytes of a file say that it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Form {
    Png,
    Jpeg,
    /// Something known that is not read, and what to do.
    Other(&'static str, &'static str),
    Unknown,
}

impl Form {
    pub fn of(head: &[u8]) -> Form {
        let convert = "convert it to PNG";
        let known: &[(&[u8], Form)] = &[
            (b"\x89PNG", Form::Png),
            (b"\xff\xd8\xff", Form::Jpeg),
            (b"GIF8", Form::Other("a GIF", convert)),
            (b"II*\0", Form::Other("a TIFF", convert)),
            (b"MM\0*", Form::Other("a TIFF", convert)),
            (
                b"PK\x03\x04",
                Form::Other(
                    "a ZIP archive",
                    "unpack it; an archive of NumPy arrays has a name that ends in .npz",
                ),
            ),
            (b"\x93NUMPY", Form::Other("a NumPy array", "write it as an IDX file or as pictures")),
            (b"\x89HDF", Form::Other("an HDF5 file", "write its images as an IDX file or as pictures")),
            (b"PAR1", Form::Other("a Parquet file", "write its images as PNG files, one folder per class")),
            (b"<", Form::Other("a web page or XML", "download the data itself")),
            (b"version https://", Form::Other("a pointer of git-LFS", "fetch the file with `git lfs pull`")),
        ];
        if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            return Form::Other("a WebP", convert);
        }
        if head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]) {
            return Form::Other("a BMP", convert);
        }
        known.iter().find(|(start, _)| head.starts_with(start)).map_or(Form::Unknown, |(_, form)| *form)
    }
}

/// Decodes a file; what it is decides its first bytes, not its name.
pub(super) fn decode(path: &Path) -> Result<Picture, DataError> {
    let mut bytes = file::whole(path, MAX_DECODED)?;
    let unsupported =
        |what: &str, todo| DataError::Unsupported { path: path.to_owned(), what: what.to_owned(), todo };
    let bad = |reason: String| DataError::BadImage { path: path.to_owned(), reason };
    match Form::of(&bytes) {
        Form::Png => png(&bytes).map_err(|e| bad(e.to_string())).and_then(|image| match image.color() {
            ColorType::L8 => Ok(planes(1, image.height(), image.width(), image.into_bytes())),
            ColorType::Rgb8 => Ok(planes(3, image.height(), image.width(), image.into_bytes())),
            ColorType::L16 | ColorType::Rgb16 => Err(unsupported("a picture with 16 bits per channel", SAVE)),
            ColorType::La16 | ColorType::Rgba16 => {
                Err(unsupported("a picture with 16 bits per channel and an alpha channel", SAVE))
            }
            _ => Err(unsupported("a picture with an alpha channel", SAVE)),
        }),
        Form::Jpeg => {
            let jpeg::Whole { colours, adobe } =
                jpeg::require_whole(&bytes).map_err(|e| bad(e.to_owned()))?;
            // The decoder has its own opinion of these.
            adobe.into_iter().rev().for_each(|segment| drop(bytes.drain(segment)));
            let options = DecoderOptions::default()
                .set_strict_mode(true)
                .set_max_width(MAX_SIDE as usize)
                .set_max_height(MAX_SIDE as usize);
            let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes), options);
            let wrong = |e: zune_jpeg::errors::DecodeErrors| bad(e.to_string());
            decoder.decode_headers().map_err(wrong)?;
            let called_rgb = decoder.input_colorspace() == Some(ColorSpace::RGB);
            let (channels, out) = match colours {
                Colours::Grey => (1, ColorSpace::Luma),
                Colours::YCbCr if called_rgb => {
                    return Err(unsupported("a JPEG in YCbCr whose components are called RGB", SAVE))
                }
                Colours::YCbCr => (3, ColorSpace::RGB),
                Colours::Rgb if called_rgb => (3, ColorSpace::RGB),
                // Taken for YCbCr, and left as it is.
                Colours::Rgb => (3, ColorSpace::YCbCr),
                Colours::Cmyk => return Err(unsupported("a picture in CMYK", SAVE)),
                Colours::Unknown(n) => {
                    return Err(unsupported(&format!("a picture of {n} components"), SAVE))
                }
            };
            decoder.set_options(options.jpeg_set_out_colorspace(out));
            let pixels = decoder.decode().map_err(wrong)?;
            let (width, height) = decoder.dimensions().ok_or_else(|| bad("it has no size".to_owned()))?;
            Ok(planes(channels, height as u32, width as u32, pixels))
        }
        Form::Other(what, todo) => Err(unsupported(what, todo)),
        Form::Unknown if bytes.is_empty() => Err(bad("it is empty (0 bytes)".to_owned())),
        Form::Unknown => Err(bad("it is neither PNG nor JPEG".to_owned())),
    }
}

/// Whether a picture says that it is to be turned; one that cannot be read says nothing.
pub(super) fn is_turned(path: &Path) -> bool {
    file::whole(path, MAX_DECODED).is_ok_and(|bytes| orientation::is_turned(&bytes))
}

fn png(bytes: &[u8]) -> Result<image::DynamicImage, image::ImageError> {
    let mut reader = ImageReader::with_format(std::io::Cursor::new(bytes), ImageFormat::Png);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    reader.decode()
}

fn planes(channels: usize, height: u32, width: u32, pixels: Vec<u8>) -> Picture {
    let planes = (0..channels).flat_map(|c| pixels.iter().skip(c).step_by(channels).copied()).collect();
    ([channels, height as usize, width as usize], planes)
}
