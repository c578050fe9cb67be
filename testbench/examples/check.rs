//! A design on a device, every value and every cycle checked. `cargo run -p spikegate-testbench --example check DIR`

use spikegate_compiler::plan;
use spikegate_contract::{bundle::Design, tensor::Tensor};
use spikegate_golden::random::{image, Rng};
use spikegate_runtime::{devices::golden::Golden, session::Program};
use spikegate_testbench::check::{check, Found, Level};
use std::error::Error;

fn found(folder: &std::path::Path) -> Result<Found, Box<dyn Error>> {
    let design = Design::open(folder)?;
    let images = [1, 2, 3].map(|seed| image(&mut Rng(seed), design.network.input_shape()));
    let planned = plan::of(&design)?;
    let predict = |program, golden: &[Tensor]| {
        plan::predict(&planned, program == Program::Trace, design.network.timesteps, golden)
    };
    let device = Golden::open(&design)?;
    Ok(check(device, &design, &images, Level::All, &predict, &mut |_, _| ())?.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let found = found(std::env::args().nth(1).unwrap_or("out/example".to_owned()).as_ref())?;
    println!("{} values, all right: {}; {} cycles per image", found.values, found.is_right(), found.cycles);
    Ok(())
}

#[test]
fn runs() {
    use spikegate_compiler::{build, Settings};
    use spikegate_golden::random::{network, tiny};
    let (home, rng) = (tempfile::tempdir().expect("a folder"), &mut Rng(1));
    let shape = tiny(rng);
    let array = spikegate_contract::array::ArrayConfig::new(4, 1, 4, 4).expect("an array");
    let design = build(network(rng, &shape), &Settings::new(array), &mut ()).expect("it fits");
    design.write(home.path()).expect("a folder");
    let found = found(home.path()).expect("a check");
    assert!(found.is_right() && found.values > 100, "{found:?}");
}
