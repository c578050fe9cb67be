//! Classes, logits or spike counts as CSV, JSON lines or a NumPy array.

use serde::Serialize;
use std::io::{self, Write};

use crate::args::{ResultForm, Values};

/// Writes one result after the other.
pub struct Results<W: Write> {
    form: ResultForm,
    values: Values,
    to: W,
    /// Values of all images, for the form that needs their number in front.
    array: Vec<u8>,
    images: usize,
}

/// The result of an image.
pub struct Row<'a> {
    /// Its number.
    pub image: u64,
    pub class: u32,
    /// Its label, if it has one.
    pub label: Option<u16>,
    /// Cycles that it took; none where nothing counted them.
    pub cycles: Option<u64>,
    pub logits: &'a [i32],
    /// Written where they are wanted.
    pub spikes: &'a [u32],
}

#[derive(Serialize)]
struct Line<'a> {
    image: u64,
    class: u32,
    label: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logits: Option<&'a [i32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spikes: Option<&'a [u32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cycles: Option<u64>,
}

impl<W: Write> Results<W> {
    /// No results yet.
    pub fn new(form: ResultForm, values: Values, to: W) -> Self {
        Self { form, values, to, array: Vec::new(), images: 0 }
    }

    /// The next result.
    pub fn put(&mut self, row: &Row) -> io::Result<()> {
        let &Row { image, class, label, cycles, logits, spikes } = row;
        match self.form {
            ResultForm::Csv => {
                let (name, values): (_, Vec<String>) = match self.values {
                    Values::Classes => ("", Vec::new()),
                    Values::Logits => ("logit", logits.iter().map(i32::to_string).collect()),
                    Values::Spikes => ("spikes", spikes.iter().map(u32::to_string).collect()),
                };
                if self.images == 0 {
                    let names: String = (0..values.len()).map(|i| format!(",{name}_{i}")).collect();
                    let counted = if cycles.is_some() { ",cycles" } else { "" };
                    writeln!(self.to, "image,class,label{counted}{names}")?;
                }
                let values: String = values.iter().map(|v| format!(",{v}")).collect();
                let label = label.map_or(String::new(), |label| label.to_string());
                let cycles = cycles.map_or(String::new(), |cycles| format!(",{cycles}"));
                writeln!(self.to, "{image},{class},{label}{cycles}{values}")?;
            }
            ResultForm::Jsonl => {
                let logits = (self.values == Values::Logits).then_some(logits);
                let spikes = (self.values == Values::Spikes).then_some(spikes);
                writeln!(
                    self.to,
                    "{}",
                    serde_json::to_string(&Line { image, class, label, logits, spikes, cycles })?
                )?;
            }
            ResultForm::Npy => match self.values {
                Values::Classes => self.array.extend(class.to_le_bytes()),
                Values::Logits => self.array.extend(logits.iter().flat_map(|v| v.to_le_bytes())),
                Values::Spikes => self.array.extend(spikes.iter().flat_map(|v| v.to_le_bytes())),
            },
        }
        self.images += 1;
        Ok(())
    }

    /// Where they go.
    pub fn to(&self) -> &W {
        &self.to
    }

    /// Writes what is left.
    pub fn finish(mut self) -> Result<W, (W, io::Error)> {
        match self.rest() {
            Ok(()) => Ok(self.to),
            Err(error) => Err((self.to, error)),
        }
    }

    fn rest(&mut self) -> io::Result<()> {
        if let ResultForm::Npy = self.form {
            let columns = (self.array.len() / 4).checked_div(self.images).unwrap_or(0);
            let shape = match self.values {
                Values::Classes => format!("({},)", self.images),
                Values::Logits | Values::Spikes => format!("({}, {columns})", self.images),
            };
            let kind = if self.values == Values::Logits { "<i4" } else { "<u4" };
            self.to.write_all(&npy_header(kind, &shape))?;
            self.to.write_all(&self.array)?;
        }
        self.to.flush()
    }
}

/// Header of a NumPy file, version 1.0.
fn npy_header(kind: &str, shape: &str) -> Vec<u8> {
    let dict = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version and length take 10 bytes; the data begin at a multiple of 64.
    let length = (10 + dict.len() + 1).next_multiple_of(64) - 10;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((length as u16).to_le_bytes());
    header.extend(format!("{dict:<width$}\n", width = length - 1).into_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: ResultForm, values: Values) -> Vec<u8> {
        let mut results = Results::new(form, values, Vec::new());
        for (image, class) in [(5, 1), (6, 0)] {
            let row = Row {
                image,
                class,
                label: (class == 1).then_some(4),
                cycles: Some(30),
                logits: &[-3, 4, class as i32],
                spikes: &[7, 8 + class],
            };
            results.put(&row).expect("put");
        }
        results.finish().expect("finish")
    }

    #[test]
    fn forms() {
        let text = |form, values| String::from_utf8(written(form, values)).expect("text");
        assert_eq!(
            text(ResultForm::Csv, Values::Logits),
            "image,class,label,cycles,logit_0,logit_1,logit_2\n5,1,4,30,-3,4,1\n6,0,,30,-3,4,0\n"
        );
        assert_eq!(text(ResultForm::Csv, Values::Classes), "image,class,label,cycles\n5,1,4,30\n6,0,,30\n");
        assert_eq!(
            text(ResultForm::Csv, Values::Spikes),
            "image,class,label,cycles,spikes_0,spikes_1\n5,1,4,30,7,9\n6,0,,30,7,8\n"
        );
        let lines = |values| text(ResultForm::Jsonl, values).lines().next().expect("line").to_owned();
        assert_eq!(
            lines(Values::Logits),
            "{\"image\":5,\"class\":1,\"label\":4,\"logits\":[-3,4,1],\"cycles\":30}"
        );
        assert_eq!(lines(Values::Classes), "{\"image\":5,\"class\":1,\"label\":4,\"cycles\":30}");
        assert_eq!(
            lines(Values::Spikes),
            "{\"image\":5,\"class\":1,\"label\":4,\"spikes\":[7,9],\"cycles\":30}"
        );
    }

    #[test]
    fn arrays() {
        let npy = written(ResultForm::Npy, Values::Logits);
        assert_eq!(npy.len(), 128 + 24);
        assert!(npy.starts_with(
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }"
        ));
        assert_eq!((npy[127], &npy[128..132]), (b'\n', &(-3i32).to_le_bytes()[..]));
        let npy = written(ResultForm::Npy, Values::Classes);
        assert!(npy[10..].starts_with(b"{'descr': '<u4', 'fortran_order': False, 'shape': (2,), }"));
        assert_eq!(npy[128..], [1, 0, 0, 0, 0, 0, 0, 0]);
        let npy = written(ResultForm::Npy, Values::Spikes);
        assert!(npy[10..].starts_with(b"{'descr': '<u4', 'fortran_order': False, 'shape': (2, 2), }"));
        assert_eq!(npy[128..132], [7, 0, 0, 0]);
    }
}
