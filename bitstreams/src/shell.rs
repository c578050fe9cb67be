//! Words of the commands that are printed for people to copy.

use spikegate_contract::array::ArrayConfig;
use std::path::Path;

/// One word as a POSIX shell reads it, whatever it holds.
pub fn word(text: &str) -> String {
    // Only a NUL cannot be quoted, and no argument of a program holds one.
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), Into::into)
}

/// A path as a shell word that no program takes for an option.
pub fn path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.starts_with('-') {
        word(&format!("./{text}"))
    } else {
        word(&text)
    }
}

/// An array as `compile --array` takes it.
pub fn size(a: &ArrayConfig) -> String {
    format!("{},{},{},{}", a.lanes, a.pixels, a.ci, a.co)
}

/// The arguments of `compile` that give an array of this size.
pub fn arguments(a: &ArrayConfig) -> String {
    let mut out = format!("--array {} --post {}", size(a), a.post);
    if a.memory_bits > 0 {
        out += &format!(" --memory {}", a.memory_bits);
    }
    if a.moves {
        out += " --stripes";
    } else if a.spill_depth > 0 {
        out += " --spill";
    }
    if a.parity {
        out += " --parity";
    }
    if a.packed {
        out += " --packed";
    }
    if a.neurons {
        out += " --neurons";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_reads_is_the_path() {
        for text in
            ["a", "a b", "it's", "a\"b", "a\nb", "Größe", "$HOME", "a;b", "*", "~", "", "-x", "--help", "!a"]
        {
            let quoted = path(Path::new(text));
            let got = std::process::Command::new("sh").args(["-c", &format!("printf %s {quoted}")]).output();
            let got = String::from_utf8(got.expect("sh").stdout).expect("text");
            assert_eq!(
                got.strip_prefix("./").filter(|_| text.starts_with('-')).unwrap_or(&got),
                text,
                "{quoted}"
            );
            assert!(!quoted.starts_with('-'), "{quoted}");
        }
        assert_eq!(path(Path::new("out/demo")), "out/demo");
    }
}
