//! The tables of the guide against the definition of the stages.

use spikegate_contract::timing::tables;

/// Rows of the guide's tables of cycles, table after table.
fn written() -> Vec<Vec<&'static str>> {
    let after = include_str!("../README.md").split("| cycle | what is valid |\n| --- | --- |\n").skip(1);
    after.map(|text| text.lines().take_while(|l| l.starts_with('|')).collect()).collect()
}

#[test]
fn the_guide_says_what_the_stages_are() {
    let written = written();
    assert_eq!(written.len(), tables().len(), "tables of cycles");
    for (have, want) in written.iter().zip(tables()) {
        assert_eq!(have, &want, "the table should be:\n{}\n", want.join("\n"));
    }
}
