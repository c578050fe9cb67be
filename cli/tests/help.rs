//! What `--help` says of the program and of every verb, so that a change is seen: files of text in `help/`. After a change
//! that is meant,
//!
//! ```text
//! UPDATE_EXPECT=1 cargo test -p spikegate --test errors --test help
//! ```
//!
//! writes the files anew.
#![allow(clippy::unwrap_used)]

mod program;

use expect_test::expect_file;
use program::{run, spikegate};

#[test]
fn of_the_program_and_every_verb() {
    let help = |verb: &[&str]| {
        let got = run(spikegate().args(verb).arg("--help"));
        assert_eq!((got.code, got.err.as_str()), (0, ""), "{verb:?}");
        // No line ends in spaces in a file that people edit.
        got.out.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>()
    };
    let whole = help(&[]);
    expect_file!["help/spikegate.txt"].assert_eq(&whole);
    let listed =
        whole.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let verbs: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(verbs.len() > 10, "{verbs:?}");
    for verb in verbs.into_iter().filter(|verb| *verb != "help") {
        expect_file![format!("help/{verb}.txt")].assert_eq(&help(&[verb]));
    }
}
