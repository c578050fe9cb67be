//! The crates of the workspace and what their manifests say.

use std::fs;
use std::path::{Path, PathBuf};

/// One crate.
pub struct Crate {
    pub name: String,
    pub folder: PathBuf,
    /// Names of what it depends on, not for tests.
    pub dependencies: Vec<String>,
    /// The same with those for tests and build scripts.
    all: Vec<String>,
}

/// Every member of the workspace.
pub fn crates() -> Vec<Crate> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let manifest = |path: &Path| fs::read_to_string(path).unwrap().parse::<toml::Table>().unwrap();
    let members = manifest(&root.join("Cargo.toml"))["workspace"]["members"].as_array().unwrap().clone();
    let read = |member: &toml::Value| {
        let folder = root.join(member.as_str().unwrap());
        let manifest = manifest(&folder.join("Cargo.toml"));
        let keys = |table: &str| -> Vec<String> {
            manifest
                .get(table)
                .and_then(|t| t.as_table())
                .into_iter()
                .flatten()
                .map(|(k, _)| k.clone())
                .collect()
        };
        let dependencies = keys("dependencies");
        let all = [&dependencies[..], &keys("dev-dependencies"), &keys("build-dependencies")].concat();
        Crate { name: manifest["package"]["name"].as_str().unwrap().to_owned(), folder, dependencies, all }
    };
    members.iter().map(read).collect()
}

/// All Rust files below a folder, sorted.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return out };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
    out.sort();
    out
}

impl Crate {
    /// Dependencies that no file of the crate names.
    pub fn unused(&self) -> Vec<String> {
        let folders = ["src", "tests", "benches", "examples"].map(|f| self.folder.join(f));
        let files = folders.iter().flat_map(|f| rust_files(f));
        let text: String = files.map(|f| fs::read_to_string(f).unwrap()).collect();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let words: std::collections::HashSet<&str> = text.split(|c| !is_word(c)).collect();
        let unused = self.all.iter().filter(|d| !words.contains(&d.replace('-', "_")[..]));
        unused.map(|d| format!("{}: {d}", self.name)).collect()
    }
}
