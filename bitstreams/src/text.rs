//! Text of board files, which goes into commands, scripts and sources: it holds nothing that ends a word or a line there,
//! or that means something else.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Deref;

/// Most characters of a text.
const MOST: usize = 64;

fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
    text.len() <= MOST && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain)
}

/// A kind of text: a string that was checked when it was read.
macro_rules! text {
    ($(#[$about:meta])* $name:ident, $check:expr, $expected:literal) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let check: fn(&str) -> bool = $check;
                match check(&text) {
                    true => Ok(Self(text)),
                    false => Err(format!("the text is {text:?}, expected {}", $expected)),
                }
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// What a program takes as one word: a part, a package, a place.
    Word, is_word,
    "at most 64 letters, digits and _ - . +, the first a letter or digit"
}

text! {
    /// What people call something, in a line of its own.
    Title,
    |text| {
        let plain = |c: char| c.is_alphanumeric() || " _-.+,:/()&'".contains(c);
        !text.is_empty() && text.chars().count() <= MOST && text.chars().all(plain)
    },
    "1 to 64 letters, digits, spaces and _ - . + , : / ( ) & '"
}

text! {
    /// A property of a design: its name and its value.
    Property,
    |text| text.split_once(' ').is_some_and(|(name, value)| is_word(name) && is_word(value)),
    "NAME VALUE, each at most 64 letters, digits and _ - . +, the first a letter or digit"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_word_or_a_line() {
        let word = |text: &str| Word::try_from(text.to_owned()).is_ok();
        for good in ["85k", "xc7a100tfgg484-2L", "GTPE2_CHANNEL_X0Y6", "3.3", "6", "LVCMOS33"] {
            assert!(word(good), "{good}");
        }
        let long = "a".repeat(65);
        let bad = [
            "", "-x", "--run=x", "a b", "a=b", "a;b", "[exec x]", "$x", "a\nb", "a\\", "{", "\"", "@ports@",
            "\u{1b}", "é", &long,
        ];
        for bad in bad {
            assert!(!word(bad), "{bad:?}");
        }
        let title = |text: &str| Title::try_from(text.to_owned()).is_ok();
        assert!(title("Größe (18 kbit)") && title("RAMB36 (36 kbit)"));
        for bad in
            ["", "a\nb", "a\\", "a\u{2028}b", "\u{202e}", "@ports@", "a\u{1b}[2J", "*/", "`include", &long]
        {
            assert!(!title(bad), "{bad:?}");
        }
        let property = |text: &str| Property::try_from(text.to_owned()).is_ok();
        assert!(property("CONFIG_VOLTAGE 3.3"));
        for bad in ["A", "A ", " B", "A  B", "A B C", "A [exec x]", "A B\nC", "-A B"] {
            assert!(!property(bad), "{bad:?}");
        }
    }
}
