use super::*;
use spikegate_contract::failure::Failure;

fn emit(dir: &Path, lanes: usize) -> Result<(), EmitError> {
    let array = ArrayConfig::new(lanes, 1, 4, 4).unwrap();
    write_crate(dir, &array, 1, 2, &libraries(None).unwrap())
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn writes_a_crate_and_replaces_it_with_another() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("deep/crate");
    emit(&dir, 2).unwrap();
    fs::write(dir.join(LOCK), "changed by cargo").unwrap();
    fs::create_dir(dir.join("target")).unwrap();
    fs::write(dir.join("target/built"), "").unwrap();
    emit(&dir, 3).unwrap();
    let expected = [".spikegate-crate", "Cargo.lock", "Cargo.toml", "README.md", "doc", "src", "target"];
    assert_eq!(names(&dir), expected);
    assert!(fs::read_to_string(dir.join("src/design.rs")).unwrap().contains("lanes: 3,"));
    assert!(dir.join("target/built").exists());
    assert_eq!(names(dir.parent().unwrap()), ["crate"]);
}

#[test]
fn what_a_killed_compile_left_goes_and_what_is_not_ours_stays() {
    let home = tempfile::tempdir().unwrap();
    let (dir, staging) = (home.path().join("crate"), home.path().join(".crate.spikegate-writing"));
    for name in ["new/src", "old/target"] {
        fs::create_dir_all(staging.join(name)).unwrap();
    }
    emit(&dir, 2).unwrap();
    assert_eq!(names(home.path()), ["crate"]);
    fs::create_dir(&staging).unwrap();
    fs::write(staging.join("thesis.tex"), "mine").unwrap();
    assert!(matches!(emit(&dir, 3), Err(EmitError::NotACrate { path }) if path.ends_with("thesis.tex")));
    assert_eq!(fs::read_to_string(staging.join("thesis.tex")).unwrap(), "mine");
    assert!(fs::read_to_string(dir.join("src/design.rs")).unwrap().contains("lanes: 2,"));
}

#[test]
fn one_writer_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("crate");
    let first = Staging::new(&dir).unwrap();
    assert!(matches!(emit(&dir, 2), Err(EmitError::Busy { .. })));
    drop(first);
    emit(&dir, 2).unwrap();
    assert_eq!(names(home.path()), ["crate"]);
}

#[test]
fn an_empty_folder_is_taken() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("crate");
    fs::create_dir(&dir).unwrap();
    emit(&dir, 2).unwrap();
    assert!(dir.join("src/top/mod.rs").exists());
}

#[test]
fn the_work_of_people_stays() {
    let home = tempfile::tempdir().unwrap();
    type Work = fn(&Path);
    let works: [(&str, &str, Work); 4] = [
        ("changed", "src/post/lif.rs", |p| fs::write(p, "// mine").unwrap()),
        ("removed", "src/bus/csr/mod.rs", |p| fs::remove_file(p).unwrap()),
        ("added", "src/post/mine.rs", |p| fs::write(p, "").unwrap()),
        ("added", "tests", |p| fs::create_dir(p).unwrap()),
    ];
    for (i, (what, name, work)) in works.into_iter().enumerate() {
        let dir = home.path().join(i.to_string());
        emit(&dir, 2).unwrap();
        work(&dir.join(name));
        match emit(&dir, 3).unwrap_err() {
            EmitError::Edited { path, what: found } => assert_eq!((path, found), (dir.join(name), what)),
            other => panic!("{other}"),
        }
        assert!(fs::read_to_string(dir.join("src/design.rs")).unwrap().contains("lanes: 2,"));
    }
}

#[test]
fn refuses_other_targets_and_leaves_them() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(emit(&file, 2), Err(EmitError::NotACrate { .. })));
    assert!(matches!(emit(home.path(), 2), Err(EmitError::NotACrate { .. })));
    assert!(emit(&file.join("below"), 2).is_err());
    assert_eq!(names(home.path()), ["file"]);
}

#[test]
fn a_mark_that_names_files_elsewhere_is_no_mark() {
    let home = tempfile::tempdir().unwrap();
    let (dir, secret) = (home.path().join("crate"), home.path().join("secret"));
    fs::create_dir(&dir).unwrap();
    fs::write(&secret, "mine").unwrap();
    for name in ["../secret", secret.to_str().unwrap(), "a/../../secret", "/dev/zero"] {
        fs::write(dir.join(MARK), format!("{}  {name}\n", sha256(b"mine"))).unwrap();
        assert!(matches!(emit(&dir, 2), Err(EmitError::NotACrate { .. })), "{name}");
    }
    assert_eq!(names(home.path()), ["crate", "secret"]);
}

#[test]
fn nothing_is_waited_for_and_nothing_is_read_without_end() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("crate");
    for name in ["src/design.rs", MARK] {
        for (what, make) in [("-s", "/dev/zero"), ("", "pipe")] {
            let _ = fs::remove_dir_all(&dir);
            emit(&dir, 2).unwrap();
            fs::remove_file(dir.join(name)).unwrap();
            let mut command = std::process::Command::new(if what.is_empty() { "mkfifo" } else { "ln" });
            command.args((!what.is_empty()).then_some([what, make]).into_iter().flatten());
            assert!(command.arg(dir.join(name)).status().unwrap().success());
            let error = emit(&dir, 3).unwrap_err();
            assert!(
                matches!(error, EmitError::Edited { .. } | EmitError::NotACrate { .. }),
                "{name}, {make}: {error}"
            );
        }
    }
}

#[test]
fn a_failed_exchange_leaves_the_old_crate() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("crate");
    emit(&dir, 2).unwrap();
    assert!(exchange(&dir, &home.path().join("nothing"), &home.path().join("old")).is_err());
    check_replaceable(&dir).unwrap();
    assert_eq!(names(home.path()), ["crate"]);
}

#[test]
fn says_how_to_give_the_libraries() {
    let home = tempfile::tempdir().unwrap();
    let array = ArrayConfig::new(2, 1, 4, 4).unwrap();
    let error = write_crate(&home.path().join("crate"), &array, 1, 2, home.path()).unwrap_err();
    assert!(matches!(error, EmitError::NoLibraries { .. }));
    assert!(error.help().is_some_and(|help| help.contains("--libraries DIR")), "{error}");
    assert_eq!(names(home.path()), [""; 0]);
}
