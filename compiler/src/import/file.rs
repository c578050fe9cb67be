//! Reading a safetensors file: size, first bytes, structure.

use super::tensors::Tensors;
use super::ImportError;
use safetensors::{SafeTensorError, SafeTensors};
use std::io::Read;
use std::path::Path;

/// Largest model file that is read, 1 GiB: ResNet-104 in F64 is below it.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// Reads a file whole, at most [`MAX_FILE_BYTES`].
pub(super) fn read(path: &Path) -> Result<Vec<u8>, ImportError> {
    let name = path.display().to_string();
    let io = |source| ImportError::Io { file: name.clone(), source };
    let about = std::fs::metadata(path).map_err(io)?;
    if !about.is_file() {
        return Err(ImportError::NotAFile { file: name });
    }
    let too_large = |bytes| ImportError::TooLarge { file: name.clone(), bytes, limit: MAX_FILE_BYTES };
    if about.len() > MAX_FILE_BYTES {
        return Err(too_large(about.len()));
    }
    let mut bytes = Vec::new();
    // One byte more than allowed, so that a file that grows meanwhile is noticed and not cut.
    std::fs::File::open(path).map_err(io)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// The tensors of a file and the text under its metadata key `gac`.
pub(super) fn parse<'a>(file: &str, bytes: &'a [u8]) -> Result<(Tensors<'a>, Option<String>), ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::Empty { file: file.to_owned() });
    }
    other_format(file, bytes)?;
    let corrupt = |error: SafeTensorError| ImportError::Corrupt {
        file: file.to_owned(),
        bytes: bytes.len(),
        reason: reason(&error, bytes),
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(corrupt)?;
    let gac = header.metadata().as_ref().and_then(|entries| entries.get("gac").cloned());
    let tensors = SafeTensors::deserialize(bytes).map_err(corrupt)?;
    Ok((Tensors::new(file, tensors), gac))
}

fn other_format(file: &str, bytes: &[u8]) -> Result<(), ImportError> {
    const PYTORCH: &str =
        "convert it once in Python: safetensors.torch.save_model(model, \"model.safetensors\")";
    let known: [(&[u8], &str, &str); 3] = [
        (b"\x80\x02", "a Python pickle (an old PyTorch .pth)", PYTORCH),
        (
            b"\x89HDF\r\n",
            "an HDF5 file (NIR)",
            "NIR is not supported yet: export the state_dict as safetensors",
        ),
        (b"\x1f\x8b", "gzip-compressed", "unpack it with gunzip"),
    ];
    for (magic, what, todo) in known {
        if bytes.starts_with(magic) {
            // A safetensors file starts with its header length in 8 bytes, and then `{`.
            if bytes.get(8) != Some(&b'{') {
                return Err(ImportError::NotSafetensors { file: file.to_owned(), what, todo });
            }
        }
    }
    Ok(())
}

/// The broken rule in words; the library's own messages assume its source is at hand.
fn reason(error: &SafeTensorError, bytes: &[u8]) -> String {
    let header = bytes.get(..8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
    match error {
        SafeTensorError::HeaderTooSmall => "it ends inside the 8-byte header length".to_owned(),
        SafeTensorError::HeaderTooLarge => {
            format!("the header length says {header} bytes, more than any header has")
        }
        SafeTensorError::InvalidHeaderLength => format!("it ends inside the header of {header} bytes"),
        SafeTensorError::MetadataIncompleteBuffer => {
            "the tensors in the header do not end where the file ends (truncated, or with bytes appended)"
                .to_owned()
        }
        SafeTensorError::InvalidOffset(tensor) => {
            format!("the data offsets of `{tensor}` leave a gap or overlap")
        }
        SafeTensorError::TensorInvalidInfo => {
            "a tensor's data offsets do not agree with its shape and type".to_owned()
        }
        other => other.to_string(),
    }
}
