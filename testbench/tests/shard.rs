//! Parts of a run: joined they are the run, and what is not of it is refused.
#![allow(clippy::unwrap_used)]

use serde::{Deserialize, Serialize};
use serde_json::json;
use spikegate_golden::random::{image, network, tiny, Rng};
use spikegate_testbench::evaluate::{tally, Images, Tally};
use spikegate_testbench::shard::{merge, MergeError, Part, Record, Results, Shard, Written};
use std::fs;
use std::path::{Path, PathBuf};
use std::slice;

/// Squares of places.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Squares(Vec<usize>);

impl Results for Squares {
    fn join(&mut self, next: Self) -> Result<(), [String; 3]> {
        if next.0.contains(&36) {
            return Err(["a square".to_owned(), "36".to_owned(), "none".to_owned()]);
        }
        self.0.extend(next.0);
        Ok(())
    }

    fn follow(&mut self, next: Self) -> Result<(), [String; 3]> {
        self.0.iter_mut().zip(next.0).for_each(|(own, next)| *own += next);
        Ok(())
    }
}

/// A part of a run of five images, unless `change` makes it another's.
fn part(index: u32, of: u32, change: &dyn Fn(&mut Record<Squares>)) -> Record<Squares> {
    let shard = Shard::new(index, of).unwrap();
    let range = shard.range(5, 1);
    let images = Part::new(&range, 5);
    let results = Squares(range.map(|at| at * at).collect());
    let run = json!({ "model": { "sha256": "ab", "bits": 4 }, "data": "cd" });
    let mut record = Record { verb: "toy".to_owned(), shard, images, layers: None, run, results };
    change(&mut record);
    record
}

fn write(folder: &Path, name: &str, record: &Record<Squares>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, record.text().unwrap()).unwrap();
    path
}

fn merged(paths: &[PathBuf]) -> Result<Record<Squares>, MergeError> {
    let files = paths.iter().map(|path| Written::open(path)).collect::<Result<Vec<_>, _>>()?;
    merge(&files)
}

#[test]
fn parts_are_the_whole_in_any_order() {
    let home = tempfile::tempdir().unwrap();
    let whole = part(1, 1, &|_| ()).text().unwrap();
    for of in 1..9 {
        let mut paths: Vec<PathBuf> = (1..=of)
            .map(|index| write(home.path(), &format!("{index}.json"), &part(index, of, &|_| ())))
            .collect();
        paths.rotate_left(of as usize / 2);
        assert_eq!(merged(&paths).unwrap().text().unwrap(), whole, "{of} parts");
    }
    // What is whole stays so.
    let path = write(home.path(), "whole.json", &part(1, 1, &|_| ()));
    assert_eq!(merged(&[path]).unwrap().text().unwrap(), whole);
}

#[test]
fn what_is_not_of_the_run_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let first = write(folder, "1.json", &part(1, 2, &|_| ()));
    let with = |record: &Record<Squares>| {
        let second = write(folder, "2.json", record);
        merged(&[first.clone(), second]).unwrap_err().to_string()
    };
    let [one, two] = [&first, &folder.join("2.json")].map(|path| path.display().to_string());
    assert_eq!(
        with(&part(2, 2, &|r| r.verb = "other".into())),
        format!("{two} is of `spikegate other`, {one} of `spikegate toy`")
    );
    assert_eq!(with(&part(2, 3, &|_| ())), format!("{two} is one of 3 shards, {one} one of 2"));
    assert_eq!(
        with(&part(2, 2, &|r| r.run["model"]["bits"] = json!(8))),
        format!("{two}: run.model.bits is 8, in {one} it is 4")
    );
    assert_eq!(
        with(&part(2, 2, &|r| r.run["extra"] = json!(true))),
        format!("{two}: run.extra is true, in {one} it is null")
    );
    assert_eq!(with(&part(2, 2, &|r| r.images.of = 6)), format!("{two}: images is 6, in {one} it is 5"));
    assert_eq!(with(&part(1, 2, &|_| ())), format!("{two} and {one} are both shard 1 of 2"));
    assert_eq!(
        with(&part(2, 2, &|r| r.results.0.push(36))),
        format!("{two}: a square is 36, in {one} it is none")
    );
    for change in [3, 1] {
        let error = with(&part(2, 2, &|r| r.images.from = change));
        assert!(error.contains("2/2 has images") && error.contains("from 2 on"), "{error}");
    }
    let error = with(&part(2, 2, &|r| r.images.to = 4));
    assert!(error.contains("2/2 has images 2 to 4 of 5"), "{error}");

    let many = write(folder, "many.json", &part(3, 20, &|_| ()));
    let error = merged(&[many]).unwrap_err().to_string();
    assert_eq!(error, "no file of 19 of 20 shards: 1, 2, 4, 5, 6, 7, 8, 9, ...");
    let none = folder.join("none.json");
    assert!(matches!(merged(slice::from_ref(&none)), Err(MergeError::Read { path, .. }) if path == none));
}

/// Parts of layers add up image by image; together they have all instructions.
#[test]
fn parts_of_layers_are_the_whole() {
    let home = tempfile::tempdir().unwrap();
    let layers = |index: u32, from: usize, to: usize, of: usize| {
        let shard = Shard::new(index, 3).unwrap();
        let (images, layers) = (Part { from: 0, to: 2, of: 2 }, Some(Part { from, to, of }));
        let record = Record { results: Squares(vec![1, 10]), shard, images, layers, ..part(1, 1, &|_| ()) };
        write(home.path(), &format!("{index}.json"), &record)
    };
    let paths = [layers(3, 6, 9, 9), layers(1, 0, 4, 9), layers(2, 4, 6, 9)];
    let whole = merged(&paths).unwrap();
    assert_eq!((whole.shard, whole.layers, whole.results.0), (Shard::WHOLE, None, vec![3, 30]));
    assert_eq!(whole.images, Part { from: 0, to: 2, of: 2 });
    let error = |path: PathBuf| {
        let error = merged(&[layers(3, 6, 9, 9), layers(1, 0, 4, 9), path]).unwrap_err();
        error.to_string()
    };
    let gap = error(layers(2, 5, 6, 9));
    assert!(gap.contains("shard 2/3 has instructions 5 to 6 of 9, expected those from 4 on"), "{gap}");
    let other = error(layers(2, 4, 6, 8));
    assert!(other.contains("the division is by layers of 8 instructions"), "{other}");
    let images = write(home.path(), "2.json", &part(2, 3, &|r| r.images = Part { from: 0, to: 2, of: 2 }));
    let images = merged(&[layers(3, 6, 9, 9), layers(1, 0, 4, 9), images]).unwrap_err().to_string();
    assert!(images.contains("the division is by images"), "{images}");
}

#[test]
fn every_byte_counts() {
    let home = tempfile::tempdir().unwrap();
    let path = write(home.path(), "1.json", &part(1, 1, &|_| ()));
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        let refused = merged(slice::from_ref(&path));
        let refused = matches!(refused, Err(MergeError::Damaged { .. } | MergeError::Version { .. }));
        assert!(refused, "{}", String::from_utf8_lossy(&bad));
        fs::write(&path, &good[..at]).unwrap();
        assert!(matches!(merged(slice::from_ref(&path)), Err(MergeError::Damaged { .. })), "{at} bytes");
    }
    let newer = String::from_utf8(good).unwrap().replacen("\"format_version\":1", "\"format_version\":2", 1);
    fs::write(&path, newer).unwrap();
    assert!(matches!(merged(&[path]), Err(MergeError::Version { got: 2, expected: 1, .. })));
}

/// Wherever a set is cut, the parts' tallies are the whole's.
#[test]
fn tallies_of_parts_are_the_tally() {
    let rng = &mut Rng(5);
    let shape = tiny(rng);
    let net = network(rng, &shape);
    let pixels: Vec<Vec<u8>> = (0..7).map(|_| image(rng, net.input_shape())).collect();
    let labels: Vec<Option<u16>> = (0..7).map(|n| (n != 3).then_some(n % 2)).collect();
    let of = |range: std::ops::Range<usize>| -> Tally {
        let begin = range.start;
        let images = Images {
            count: range.len(),
            read: &|at| Ok(pixels[begin + at][..].into()),
            labels: &labels[range],
        };
        let (mut found, _) = tally(&net, &images, false, &|_| ()).unwrap();
        found.images.iter_mut().for_each(|one| one.image += begin);
        found
    };
    let whole = of(0..7);
    for cut in 0..=7 {
        let mut parts = of(0..cut);
        parts.join(of(cut..7)).unwrap();
        assert_eq!(parts, whole, "cut at {cut}");
    }
    let shape = tiny(&mut Rng(6));
    let other = network(&mut Rng(6), &shape);
    let none = Images { count: 0, read: &|_| Ok(vec![].into()), labels: &[] };
    let (other, _) = tally(&other, &none, false, &|_| ()).unwrap();
    assert_eq!(whole.clone().join(other).unwrap_err()[0], "the network");
}
