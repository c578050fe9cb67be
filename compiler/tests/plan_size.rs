//! Arrays are sized from shapes alone as a whole plan sizes them.
#![allow(clippy::unwrap_used)]

use spikegate_compiler::calibrate::Calibration;
use spikegate_compiler::import;
use spikegate_compiler::plan::{plan, PlanError, Request, Sized, Sizer};
use spikegate_compiler::quantise::{quantise, Options};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::network::Network;
use std::path::Path;

fn network(file: &str) -> Network {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference").join(file);
    let float = import::load(&path).unwrap();
    quantise(&float, &Calibration::nominal(&float).unwrap(), &Options::default()).unwrap()
}

#[test]
fn sizes_and_cycles_are_those_of_the_plan() {
    for file in ["gac_fashion_t4.safetensors", "gac_fashion_t6.safetensors", "random_direct.safetensors"] {
        let net = network(file);
        let sizer = Sizer::new(&net).unwrap();
        for (lanes, ci, co, post) in [(4, 8, 8, 2), (3, 16, 4, 1), (8, 4, 4, 4)] {
            let array = ArrayConfig::new(lanes, 1, ci, co).unwrap().with_post(post).unwrap();
            let whole = plan(&net, Request::New(&array)).unwrap();
            let cycles: u64 = whole.plan.steps.iter().map(|s| s.cycles).sum();
            assert_eq!(
                sizer.size(&array, &MemoryModel::default()).unwrap(),
                Sized { array: whole.array, cycles },
                "{file}"
            );
        }
    }
}

#[test]
fn what_cannot_be_planned_has_no_size() {
    let mut net = network("gac_fashion_t4.safetensors");
    net.neuron.leak_shift = 16;
    assert!(matches!(Sizer::new(&net), Err(PlanError::Invalid(_))));
}
