//! Writes the seeds of a target into a folder, for libFuzzer: `seeds TARGET FOLDER`. Without arguments it lists the targets.

use spikegate_fuzz::TARGETS;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let Some(name) = args.next() else {
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        return Ok(());
    };
    let folder = PathBuf::from(args.next().ok_or("expected TARGET FOLDER")?);
    let target = TARGETS.iter().find(|target| target.name == name).ok_or("no such target")?;
    std::fs::create_dir_all(&folder)?;
    for (number, seed) in (target.seeds)().iter().enumerate() {
        std::fs::write(folder.join(number.to_string()), seed)?;
    }
    Ok(())
}
