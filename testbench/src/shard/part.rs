//! Which part of a run.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::error::ShardError;

/// Part `index` of `of`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// A run that is not divided.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// Part `index` of `of`.
    ///
    /// # Errors
    /// `index` is not from 1 to `of`.
    pub fn new(index: u32, of: u32) -> Result<Self, ShardError> {
        match (1..=of).contains(&index) {
            true => Ok(Self { index, of }),
            false => Err(ShardError::Outside { index, of }),
        }
    }

    /// Its number, from 1.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many there are.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Its places of `len`, which follow those of the part before; there may be none. So many as are taken `together` are
    /// not divided.
    pub fn range(self, len: usize, together: usize) -> Range<usize> {
        let groups = len.div_ceil(together.max(1)) as u128;
        let begin = |index: u32| {
            let groups = groups * u128::from(index) / u128::from(self.of.max(1));
            len.min(groups as usize * together.max(1))
        };
        begin(self.index.saturating_sub(1))..begin(self.index)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?;
        let two = text.split_once('/').and_then(|(index, of)| Some((number(index)?, number(of)?)));
        let (index, of) = two.ok_or_else(|| ShardError::NotAShard { given: text.to_owned() })?;
        Self::new(index, of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole() {
        for len in 0..20 {
            for of in 1..9 {
                for together in 1..5 {
                    let mut at = 0;
                    for index in 1..=of {
                        let range = Shard { index, of }.range(len, together);
                        assert_eq!(range.start, at);
                        assert!(range.start.is_multiple_of(together) || range.is_empty(), "{range:?}");
                        at = range.end;
                    }
                    assert_eq!(at, len);
                }
            }
        }
        let sizes: Vec<usize> = (1..=4).map(|index| Shard { index, of: 4 }.range(10, 1).len()).collect();
        assert_eq!(sizes, [2, 3, 2, 3]);
    }

    #[test]
    fn counts_from_one() {
        assert_eq!("3/8".parse(), Ok(Shard { index: 3, of: 8 }));
        assert_eq!("3/8".parse::<Shard>().map(|shard| shard.to_string()), Ok("3/8".to_owned()));
        for (text, index, of) in [("0/8", 0, 8), ("9/8", 9, 8), ("1/0", 1, 0)] {
            assert_eq!(text.parse::<Shard>(), Err(ShardError::Outside { index, of }));
        }
        for text in ["", "3", "/", "3/", "/8", "a/8", "+3/8", "-1/8", "3/8/9", "3 / 8", "1/99999999999"] {
            assert_eq!(text.parse::<Shard>(), Err(ShardError::NotAShard { given: text.to_owned() }));
        }
    }
}
