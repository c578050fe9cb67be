//! Classes and logits as CSV, JSON lines or a NumPy array.

use anyhow::{Context, Result};
use serde::Serialize;
use spikegate_runtime::session::Inference;
use std::io::{self, Write};
use std::path::Path;

use crate::args::ResultForm;

/// Writes one result after the other.
pub struct Results<W: Write> {
    form: ResultForm,
    to: W,
    first: u64,
    /// Logits of all images, for the form that needs their number in front.
    logits: Vec<i32>,
    images: usize,
}

#[derive(Serialize)]
struct Line<'a> {
    image: u64,
    class: u32,
    logits: &'a [i32],
    cycles: u64,
}

impl<W: Write> Results<W> {
    /// Results of images that are counted from `first`.
    pub fn new(form: ResultForm, to: W, first: u64) -> Self {
        Self { form, to, first, logits: Vec::new(), images: 0 }
    }

    /// The next result.
    pub fn put(&mut self, inference: &Inference) -> Result<()> {
        let image = self.first + self.images as u64;
        let cycles = inference.own_cycles();
        let (class, logits) = (inference.class, &inference.logits);
        match self.form {
            ResultForm::Csv => {
                if self.images == 0 {
                    let names: Vec<String> = (0..logits.len()).map(|i| format!("logit_{i}")).collect();
                    writeln!(self.to, "image,class,cycles,{}", names.join(","))?;
                }
                let values: Vec<String> = logits.iter().map(i32::to_string).collect();
                writeln!(self.to, "{image},{class},{cycles},{}", values.join(","))?;
            }
            ResultForm::Jsonl => {
                let line = Line { image, class, logits, cycles };
                writeln!(self.to, "{}", serde_json::to_string(&line)?)?;
            }
            ResultForm::Npy => self.logits.extend(logits),
        }
        self.images += 1;
        Ok(())
    }

    /// Writes what is left.
    pub fn finish(mut self) -> Result<W> {
        if let ResultForm::Npy = self.form {
            let classes = self.logits.len().checked_div(self.images).unwrap_or(0);
            self.to.write_all(&npy_header(self.images, classes))?;
            for logit in &self.logits {
                self.to.write_all(&logit.to_le_bytes())?;
            }
        }
        self.to.flush()?;
        Ok(self.to)
    }
}

/// Header of a NumPy file, version 1.0: s32 little-endian, images x classes.
fn npy_header(images: usize, classes: usize) -> Vec<u8> {
    let dict = format!("{{'descr': '<i4', 'fortran_order': False, 'shape': ({images}, {classes}), }}");
    // Magic, version and length take 10 bytes; the data begin at a multiple of 64.
    let length = (10 + dict.len() + 1).next_multiple_of(64) - 10;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((length as u16).to_le_bytes());
    header.extend(format!("{dict:<width$}\n", width = length - 1).into_bytes());
    header
}

/// Where results go: a file that appears complete or not at all, or standard output.
pub enum Target {
    /// A file in the making, and its place.
    File(Box<tempfile::NamedTempFile>),
    /// Standard output.
    Stdout(io::Stdout),
}

impl Target {
    /// Makes the file in the folder of `path`.
    pub fn new(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::Stdout(io::stdout())) };
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder);
        let file = file.with_context(|| format!("cannot write {}; is its folder there?", path.display()))?;
        Ok(Self::File(Box::new(file)))
    }

    /// Puts a file in its place.
    pub fn keep(self, path: Option<&Path>) -> Result<()> {
        if let (Self::File(file), Some(path)) = (self, path) {
            let public = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            file.as_file().set_permissions(public)?;
            file.persist(path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(out) => out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: ResultForm) -> Vec<u8> {
        let mut results = Results::new(form, Vec::new(), 5);
        for class in [1, 0] {
            let inference = Inference {
                sequence: 0,
                class,
                logits: vec![-3, 4, class as i32],
                place: 0,
                cycles: vec![10, 20],
                earlier: 0,
                dumps: Vec::new(),
            };
            results.put(&inference).expect("put");
        }
        results.finish().expect("finish")
    }

    #[test]
    fn forms() {
        let text = |form| String::from_utf8(written(form)).expect("text");
        assert_eq!(
            text(ResultForm::Csv),
            "image,class,cycles,logit_0,logit_1,logit_2\n5,1,30,-3,4,1\n6,0,30,-3,4,0\n"
        );
        let lines = text(ResultForm::Jsonl);
        assert!(
            lines.starts_with("{\"image\":5,\"class\":1,\"logits\":[-3,4,1],\"cycles\":30}\n"),
            "{lines}"
        );
        let npy = written(ResultForm::Npy);
        assert_eq!(npy.len(), 128 + 24);
        assert!(npy.starts_with(
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }"
        ));
        assert_eq!((npy[127], &npy[128..132]), (b'\n', &(-3i32).to_le_bytes()[..]));
    }
}
