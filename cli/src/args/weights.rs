//! Weight widths: `8`, `4,head=8`, `8,layer3.1.conv2=4`.

use spikegate_compiler::quantise::Options;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A width for all layers, and others by name. Whether they can be is the quantiser's to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightBits {
    all: u8,
    layers: BTreeMap<String, u8>,
}

impl WeightBits {
    /// Settings of the quantiser.
    pub fn options(&self) -> Options {
        Options { weight_bits: self.all, layer_bits: self.layers.clone(), ..Options::default() }
    }

    /// Whether all layers have the width that is usual.
    pub fn is_usual(&self) -> bool {
        self.options() == Options::default()
    }
}

impl FromStr for WeightBits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bits = |text: &str| match text.parse() {
            Ok(bits @ 2..=8) => Ok(bits),
            _ => Err(format!("`{text}` is no width of 2 to 8 bits, such as 8 or 4,head=8")),
        };
        let (mut all, mut layers) = (None, BTreeMap::new());
        for part in text.split(',') {
            let twice = match part.split_once('=') {
                Some((name, width)) => layers.insert(name.to_owned(), bits(width)?),
                None => all.replace(bits(part)?),
            };
            if twice.is_some() {
                let what = part.split_once('=').map_or("all layers", |(name, _)| name);
                return Err(format!("two widths for {what}"));
            }
        }
        Ok(Self { all: all.unwrap_or(8), layers })
    }
}

/// Kilobytes (1,000 bytes) as bytes.
pub fn kilobytes(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(kilobytes) if (0.001..=1e9).contains(&kilobytes) => Ok((kilobytes * 1000.0) as u64),
        _ => Err("expected a number of kB, 0.001 to 1000000000".to_owned()),
    }
}

/// As it is read.
impl fmt::Display for WeightBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.all)?;
        self.layers.iter().try_for_each(|(name, bits)| write!(f, ",{name}={bits}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["8", "4", "3,head=8,layer3.1.conv2=2"] {
            assert_eq!(text.parse::<WeightBits>().unwrap().to_string(), text);
        }
        assert_eq!("head=4".parse::<WeightBits>().unwrap().to_string(), "8,head=4");
        for text in ["", "1", "9", "4,", "a", "head=", "4,8", "head=4,head=5", "head=4=5"] {
            assert!(text.parse::<WeightBits>().is_err(), "{text}");
        }
    }
}
