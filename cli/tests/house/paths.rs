//! Files and folders that the documents name.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, process};

/// What a name that counts as a file's ends with.
const ENDINGS: [&str; 9] = [".rs", ".md", ".toml", ".py", ".txt", ".csv", ".vlt", ".tcl", "/"];
/// What the user has or the programs write, and ends alike.
const MADE: [&str; 8] =
    ["train/", "val/", "my.toml", ".toml", "NAME/", "build.tcl", "spikegate.vlt", "imagenet18.toml"];

/// Files and folders of the project, those that git does not know left out.
fn tree(root: &Path) -> BTreeSet<String> {
    let listed = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let out = process::Command::new("git").args(listed).current_dir(root).output().unwrap();
    assert!(out.status.success(), "git lists no files");
    let files = String::from_utf8(out.stdout).unwrap();
    let mut all = BTreeSet::new();
    for file in files.lines().filter(|file| root.join(file).is_file()) {
        all.insert(file.to_owned());
        all.extend(file.match_indices('/').map(|(at, _)| file[..=at].to_owned()));
    }
    all
}

/// `a/{b,c}.rs` as `a/b.rs` and `a/c.rs`.
fn spread(name: &str) -> Vec<String> {
    match name.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (inside, after))) => {
            inside.split(',').map(|one| format!("{before}{one}{after}")).collect()
        }
        None => vec![name.to_owned()],
    }
}

/// What stands between back quotes or is linked to, as far as it is a path.
fn named(text: &str) -> impl Iterator<Item = String> + '_ {
    let quoted = text.split('`').skip(1).step_by(2);
    let linked = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./{},-".contains(c);
    let is_path = move |name: &&str| {
        name.chars().all(plain)
            && !name.starts_with('/')
            && (ENDINGS.iter().any(|end| name.ends_with(end)) || name.contains("/src/"))
    };
    quoted.chain(linked).filter(is_path).filter(|name| !MADE.contains(name)).flat_map(spread)
}

/// What documents name and the project does not have. A name is looked for from the top and from the document's folder
/// on; one without its beginning is the end of a path.
pub fn missing(root: &Path) -> Vec<String> {
    let tree = tree(root);
    // History may name what is gone.
    let documents = tree.iter().filter(|file| file.ends_with(".md") && *file != "CHANGELOG.md");
    let mut out = Vec::new();
    for document in documents {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let folder = document.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        for name in named(&text) {
            let name = name.strip_prefix("./").unwrap_or(&name);
            let ends = |path: &String| {
                let path = path.trim_end_matches('/');
                path.strip_suffix(name.trim_end_matches('/'))
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
            };
            let up = root.join(&folder).join(name).exists();
            if !up && !tree.iter().any(ends) {
                out.push(format!("{document}: {name}"));
            }
        }
    }
    out
}
