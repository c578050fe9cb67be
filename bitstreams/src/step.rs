//! Steps with an artefact each: a step whose inputs are the same as last time is left out.
//!
//! A step works on copies of what was hashed, in a folder for what is in the making; its artefacts are renamed into place
//! when it is done, and last comes the record `NAME.step.json`, which holds the hash of everything that went in and of
//! every artefact. A step that is interrupted leaves no record and runs again.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs;
use std::path::Path;

use crate::files::{self, failed, hash, FileError};
use crate::held::{create, Held};

/// What a step was made of and made.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Hash of everything that decides the outcome.
    inputs: String,
    /// Hash of each file that it read, by its name; none in records of older programs.
    #[serde(default)]
    files: Vec<(String, String)>,
    /// Hash of each artefact, by its name.
    outputs: Vec<(String, String)>,
}

impl Record {
    /// What a step has left in a folder, if it was done there.
    pub fn of(folder: &Path, step: &str) -> Option<Self> {
        let bytes = files::read(&folder.join(format!("{step}.step.json")), files::TEXT).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Whether the step read this content as the file `name`.
    pub fn read(&self, name: &str, content: &[u8]) -> bool {
        self.files.contains(&(name.to_owned(), hash(content)))
    }

    /// Whether the step made this content as the file `name`.
    pub fn made(&self, name: &str, content: &[u8]) -> bool {
        self.outputs.contains(&(name.to_owned(), hash(content)))
    }
}

/// A step.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// Folder of the artefacts.
    pub folder: &'a Held,
    /// Name, of the record too.
    pub name: &'a str,
    /// What decides the outcome besides files: arguments and versions.
    pub settings: Vec<Vec<u8>>,
    /// Files that it reads, by the names that its arguments have for them: from the folder that it runs in.
    pub files: Vec<(&'a str, Cow<'a, [u8]>)>,
    /// Artefacts.
    pub outputs: &'a [&'a str],
}

impl Step<'_> {
    fn key(&self) -> String {
        let files = self.files.iter().map(|(_, content)| hash(content));
        // Hashes of the parts, so that their borders count.
        let parts = self.settings.iter().map(|part| hash(part)).chain(files);
        hash(parts.collect::<Vec<_>>().join("\n").as_bytes())
    }

    /// Whether the artefacts of these inputs are there, unchanged.
    pub fn is_done(&self) -> bool {
        self.done().is_some()
    }

    /// The record of these inputs, where the artefacts are there, unchanged.
    fn done(&self) -> Option<Record> {
        let record = Record::of(self.folder.path(), self.name).filter(|r| r.inputs == self.key())?;
        let good = |(name, wanted): &(String, String)| {
            self.outputs.contains(&&name[..])
                && files::read(&self.folder.join(name), files::ARTEFACT)
                    .is_ok_and(|bytes| hash(&bytes) == *wanted)
        };
        let all = record.outputs.len() == self.outputs.len() && record.outputs.iter().all(good);
        all.then_some(record)
    }

    fn keep(&self, outputs: Vec<(String, String)>) -> Result<(), FileError> {
        let files = self.files.iter().map(|(name, content)| ((*name).to_owned(), hash(content))).collect();
        let record = Record { inputs: self.key(), files, outputs };
        // Strings and lists of strings have a JSON form.
        let json = serde_json::to_vec_pretty(&record).unwrap_or_default();
        self.folder.write(&format!("{}.step.json", self.name), &json)
    }

    /// Runs `action` with a folder beside the copies of the files, in which it makes the artefacts, unless they are there;
    /// whether it ran.
    ///
    /// # Errors
    /// Those of `action`, or files that cannot be written.
    pub fn run<E: From<FileError>>(&self, action: impl FnOnce(&Path) -> Result<(), E>) -> Result<bool, E> {
        if let Some(record) = self.done() {
            // An older program's record does not name the files.
            self.keep(record.outputs)?;
            return Ok(false);
        }
        let work = self.folder.work()?;
        // Names of files begin with `../` where they lie above.
        let inside = work.path.join("work");
        fs::create_dir(&inside).map_err(failed("create the folder", &inside))?;
        for (name, content) in &self.files {
            create(&inside.join(name), content)?;
        }
        action(&inside)?;
        let mut outputs = Vec::new();
        for name in self.outputs {
            let (from, to) = (inside.join(name), self.folder.join(name));
            outputs.push(((*name).to_owned(), hash(&files::read(&from, files::ARTEFACT)?)));
            fs::rename(&from, &to).map_err(failed("replace", &to))?;
        }
        drop(work);
        self.keep(outputs)?;
        Ok(true)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn step<'a>(folder: &'a Held, input: &'static str) -> Step<'a> {
        let files = vec![("../in", input.as_bytes().into())];
        Step { folder, name: "s", settings: vec![b"v1".to_vec()], files, outputs: &["out"] }
    }

    fn run(step: &Step, text: &str) -> bool {
        step.run(|dir| create(&dir.join("out"), text.as_bytes())).unwrap()
    }

    #[test]
    fn runs_again_only_when_something_changed() {
        let home = tempfile::tempdir().unwrap();
        let held = Held::board(home.path()).unwrap();
        let a = step(&held, "a");
        assert!(run(&a, "1"));
        assert!(!run(&a, "2"), "nothing changed");
        assert_eq!(fs::read(home.path().join("out")).unwrap(), b"1");
        assert!(run(&step(&held, "b"), "2"), "another input");
        assert!(run(&a, "3"), "the first again: its artefact is gone");
        fs::write(home.path().join("out"), "changed").unwrap();
        assert!(run(&a, "4"), "an artefact was changed");
        fs::remove_file(home.path().join("out")).unwrap();
        assert!(run(&a, "5"), "an artefact was removed");
        fs::write(home.path().join("s.step.json"), "{").unwrap();
        assert!(run(&a, "6"), "the record is damaged");
        // A record of an older program, which names no files.
        let path = home.path().join("s.step.json");
        let old = Record { files: vec![], ..Record::of(home.path(), "s").unwrap() };
        fs::write(&path, serde_json::to_vec(&old).unwrap()).unwrap();
        assert!(!run(&a, "7") && Record::of(home.path(), "s").unwrap().read("../in", b"a"));
        // The border between inputs counts.
        let shifted = Step { settings: vec![b"v1a".to_vec()], files: vec![("../in", b"".into())], ..a };
        assert!(!shifted.is_done());
    }

    #[test]
    fn a_step_works_on_copies_of_what_was_hashed() {
        let home = tempfile::tempdir().unwrap();
        let held = Held::board(home.path()).unwrap();
        // What lies in the folder under the same name, and what another step has left in the making, is not read.
        held.write("in", b"another").unwrap();
        let copies = |dir: &Path| {
            let bytes = files::read(&dir.join("../in"), files::TEXT)?;
            create(&dir.join("out"), &bytes)
        };
        assert!(step(&held, "a").run(copies).unwrap());
        assert_eq!(fs::read(home.path().join("out")).unwrap(), b"a");
        let record = Record::of(home.path(), "s").unwrap();
        assert!(record.read("../in", b"a") && !record.read("../in", b"another"));
        assert!(record.made("out", b"a") && !record.made("out", b"another"));
    }

    #[test]
    fn a_failed_step_leaves_no_record_and_no_artefact() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("board");
        let held = Held::board(&path).unwrap();
        let a = step(&held, "a");
        let failed = a.run(|dir| {
            create(&dir.join("out"), b"half")?;
            files::read(&dir.join("nothing"), files::TEXT).map(drop)
        });
        assert!(failed.is_err() && !a.is_done());
        // An action that forgets an artefact.
        assert!(a.run(|_| Ok::<(), FileError>(())).is_err() && !a.is_done());
        drop(held);
        assert!(!path.exists());
    }
}
