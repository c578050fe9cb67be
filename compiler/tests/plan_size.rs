//! Arrays are sized from shapes alone as a whole plan sizes them.
#![allow(clippy::unwrap_used)]

use spikegate_compiler::calibrate::Calibration;
use spikegate_compiler::import;
use spikegate_compiler::plan::{plan_with, External, PlanError, Request, Sizer};
use spikegate_compiler::quantise::{quantise, Options};
use spikegate_compiler::report::Report;
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
        for (lanes, ci, co, post) in [(4, 8, 8, 2), (3, 16, 4, 1), (8, 4, 4, 2)] {
            let array = ArrayConfig::new(lanes, 1, ci, co).unwrap().with_post(post).unwrap();
            let port = array.clone().with_memory(64).unwrap();
            let spilling = port.clone().with_spilling().unwrap();
            let slow = MemoryModel { latency: 100, bytes_per_1000_cycles: 2000 };
            for array in [array, port, spilling] {
                let whole = plan_with(&net, Request::New(&array), &slow).unwrap();
                let (size, took) =
                    (sizer.size(&array).unwrap(), sizer.cycles(&array, External::Even(&slow)).unwrap());
                let cycles: u64 = whole.plan.steps.iter().map(|s| s.cycles).sum();
                assert_eq!((&size.array, took), (&whole.array, cycles), "{file}");
                let traffic = Report::new(&net, &whole).traffic;
                assert_eq!(
                    size.words.map(|words| 4 * words as u64),
                    [traffic.image.value, traffic.result.value]
                );
                // Two bytes a cycle are too few for the weights of these arrays.
                let waits = array.memory_bits > 0;
                assert_eq!(size.computing < took, waits, "{file}: {size:?}");
                assert!(waits || size.computing == took);
            }
        }
    }
}

#[test]
fn what_cannot_be_planned_has_no_size() {
    let mut net = network("gac_fashion_t4.safetensors");
    net.neuron.leak_shift = 16;
    assert!(matches!(Sizer::new(&net), Err(PlanError::Invalid(_))));
}
