//! The thread that computes images.

use rayon::prelude::*;
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::Plan;
use spikegate_contract::network::Network;
use spikegate_golden::fast::Prepared;
use spikegate_golden::{trace, GoldenError, Outcome};
use std::sync::mpsc::{self, Receiver, Sender};

/// An image, and whether its tensors are wanted.
pub(super) struct Job {
    pub(super) sequence: u32,
    pub(super) pixels: Vec<u8>,
    pub(super) traces: bool,
}

/// Sequence number, dumps and result of an image, or why there is none.
type Answer = (u32, Result<(Vec<Vec<u32>>, Outcome), String>);

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) images: Sender<Job>,
    pub(super) answers: Receiver<Answer>,
}

impl Worker {
    pub(super) fn new(network: Network, plan: Plan, array: ArrayConfig) -> Result<Self, GoldenError> {
        let (images, jobs) = mpsc::channel::<Job>();
        let (done, answers) = mpsc::channel();
        let (ready, checked) = mpsc::channel();
        std::thread::spawn(move || {
            let prepared = match Prepared::new(&network) {
                Ok(prepared) => prepared,
                // A receiver that is gone has no use for the answer, here and below.
                Err(error) => return drop(ready.send(Err(error))),
            };
            let _ = ready.send(Ok(()));
            let answer = |job: &Job| {
                let answer = if job.traces {
                    trace_of(&network, &plan, &array, job.sequence, &job.pixels)
                } else {
                    prepared.run(&job.pixels).map(|o| (Vec::new(), o)).map_err(|e| e.to_string())
                };
                (job.sequence, answer)
            };
            while let Ok(first) = jobs.recv() {
                // What waits is computed together, on all processors.
                let waiting: Vec<Job> = std::iter::once(first).chain(jobs.try_iter()).collect();
                let answers: Vec<Answer> = waiting.par_iter().map(answer).collect();
                if answers.into_iter().any(|answer| done.send(answer).is_err()) {
                    return;
                }
            }
        });
        match checked.recv() {
            Ok(Err(error)) => Err(error),
            // A thread that died shows at the first image.
            Ok(Ok(())) | Err(_) => Ok(Self { images, answers }),
        }
    }
}

/// Dumps and result of an image.
fn trace_of(
    network: &Network,
    plan: &Plan,
    array: &ArrayConfig,
    sequence: u32,
    pixels: &[u8],
) -> Result<(Vec<Vec<u32>>, Outcome), String> {
    let mut tensors = Vec::new();
    let outcome = spikegate_golden::run(network, pixels, &mut tensors).map_err(|e| e.to_string())?;
    let dumps = trace::encode(plan, network, array, &tensors, sequence).map_err(|e| e.to_string())?;
    Ok((dumps, outcome))
}
