//! A design of a trained network, in ten lines. `cargo run -p spikegate-compiler --example compile [DIR]`

use spikegate_compiler::{compile, import, Settings};
use spikegate_contract::array::ArrayConfig;
use spikegate_golden::random::{image, Rng};
use std::error::Error;

fn write(folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../testbench/reference/random_k4.safetensors");
    let network = import::load(model.as_ref())?;
    // In earnest: images of the training set.
    let (rng, input) = (&mut Rng(1), network.input);
    let images: Vec<Vec<u8>> = (0..4).map(|_| image(rng, [input.c, input.h, input.w])).collect();
    let settings = Settings::new(ArrayConfig::new(4, 1, 8, 4)?);
    let design = compile(&network, &images, &settings, &mut ())?;
    println!("{}", design.report.text());
    Ok(design.write(folder)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    write(std::env::args().nth(1).unwrap_or("out/example".to_owned()).as_ref())
}

#[test]
fn runs() {
    let home = tempfile::tempdir().expect("a folder");
    write(home.path()).expect("a design");
    spikegate_contract::bundle::Design::open(home.path()).expect("the same design");
}
