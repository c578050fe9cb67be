//! Which way up a picture is meant, as cameras write it (EXIF). It is not applied: PIL, and with it torchvision's
//! `ImageFolder`, gives the pixels as they are stored unless it is asked, so a network was trained on those.

use image::metadata::Orientation;

/// Whether a picture says that it is to be turned or mirrored.
pub(super) fn is_turned(bytes: &[u8]) -> bool {
    let exif = if bytes.starts_with(b"\x89PNG") { in_png(bytes) } else { in_jpeg(bytes) };
    let orientation = exif.and_then(Orientation::from_exif_chunk);
    orientation.is_some_and(|turned| turned != Orientation::NoTransforms)
}

/// A segment before the first scan.
fn in_jpeg(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(2..)?;
    loop {
        let (marker, [high, low]) = match rest {
            // A fill byte.
            [0xff, 0xff, ..] => {
                rest = &rest[1..];
                continue;
            }
            [0xff, marker, high, low, ..] => (*marker, [*high, *low]),
            _ => return None,
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = rest.get(4..2 + length)?;
        match marker {
            0xd9 | 0xda => return None,
            0xe1 if segment.starts_with(b"Exif\0\0") => return segment.get(6..),
            _ => rest = rest.get(2 + length..)?,
        }
    }
}

/// A chunk, before or behind the pixels.
fn in_png(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(8..)?;
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let content = rest.get(8..)?.get(..length)?;
        if rest.get(4..8)? == b"eXIf" {
            return Some(content);
        }
        // Behind it stands its checksum.
        rest = rest.get(8 + length + 4..)?;
    }
}
