//! Links that lead nowhere, in the way of what is to be made.

use crate::text::printable;
use std::io::{Error, ErrorKind};
use std::path::Path;

/// Why a file or folder could not be made: of a link that leads nowhere, at `path` or above it, the system says that a file
/// exists, which nobody sees there.
pub fn explained(path: &Path, error: Error) -> Error {
    let dangling = || path.ancestors().find(|above| above.is_symlink() && !above.exists());
    if error.kind() != ErrorKind::AlreadyExists {
        return error;
    }
    let Some((link, to)) = dangling().and_then(|link| Some((link, link.read_link().ok()?))) else {
        return error;
    };
    let [link, to] = [link, &to].map(|path| printable(&path.display().to_string()));
    Error::new(ErrorKind::AlreadyExists, format!("{link} is a link to {to}, which does not exist"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_link_to_nothing_is_named_and_all_else_stays() {
        let home = std::env::temp_dir().join(format!("spikegate-link-{}", std::process::id()));
        fs::create_dir(&home).expect("folder");
        let link = home.join("link");
        std::os::unix::fs::symlink("nowhere", &link).expect("link");
        for path in [link.clone(), link.join("below")] {
            let error = fs::create_dir_all(&path).map_err(|e| explained(&path, e)).expect_err("no folder");
            let said = format!("{} is a link to nowhere, which does not exist", link.display());
            assert_eq!(error.to_string(), said);
        }
        let error = fs::create_dir(&home).map_err(|e| explained(&home, e)).expect_err("is there");
        assert!(error.to_string().starts_with("File exists"), "{error}");
        fs::create_dir(home.join("nowhere")).expect("folder");
        fs::create_dir_all(&link).expect("leads to a folder");
        fs::remove_dir_all(&home).expect("removes");
    }
}
