//! Dump packets of the tracing program as tensors, and the inverse.
//!
//! A dump sends, for each word address of a region and for each slot, one word (codes, spikes) or `lanes` words
//! (stream). The address is `((group * images + image) * passes + pass) * pixels + pixel`, the channel `group * ci + slot`, lane l is
//! timestep `pass * lanes + l`. What a tensor's values are, and how many, its node says. Slots without a channel hold whatever is left there and are dropped, and so are
//! stream lanes beyond T; a spike beyond T is an error, and so is any bit outside a word's width.

mod error;
mod layout;

pub use error::TraceError;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{DumpEntry, Plan};
use spikegate_contract::network::{Network, Node};
use spikegate_contract::packet::{header, DUMP};
use spikegate_contract::tensor::Tensor;
use std::collections::BTreeMap;

use self::layout::{node_of, statistics_of, Layout};

/// Words of a dump before its data: header, sequence number, instruction, words that follow.
const LEADING: usize = 4;

/// Names of the tensors that the dumps of an image of a batch hold, in their order: what [`decode_image`] gives.
pub fn dumped<'a>(plan: &'a Plan, net: &'a Network, image: usize) -> Vec<&'a str> {
    let mut names = Vec::new();
    for entry in plan.dumps.iter().filter(|entry| is_of(entry, image)) {
        let statistics = node_of(entry, net).and_then(|node| statistics_of(entry, node, net));
        names.extend(statistics.map(|node| node.name.as_str()));
        // Of a map that comes in parts the first one names it.
        if entry.rows.is_none_or(|[first, _]| first == 0) {
            names.push(entry.tensor.as_str());
        }
    }
    names
}

/// Whether a dump is of an image of a batch.
fn is_of(entry: &DumpEntry, image: usize) -> bool {
    entry.image.is_none_or(|of| of == image)
}

/// Decodes the dumps of one image, in the order of the plan.
///
/// # Errors
/// A packet whose type, instruction, length or sequence number is not the planned one, or a word with bits that
/// its form does not have.
pub fn decode(
    plan: &Plan,
    net: &Network,
    array: &ArrayConfig,
    packets: &[Vec<u32>],
) -> Result<Vec<Tensor>, TraceError> {
    decode_image(plan, net, array, packets, 0)
}

/// As [`decode`], for one image of a batch: of all images' dumps only its own are among the packets.
///
/// # Errors
/// As [`decode`].
pub fn decode_image(
    plan: &Plan,
    net: &Network,
    array: &ArrayConfig,
    packets: &[Vec<u32>],
    image: usize,
) -> Result<Vec<Tensor>, TraceError> {
    let mine = || plan.dumps.iter().filter(|entry| is_of(entry, image));
    let expected = mine().count();
    if packets.len() != expected {
        return Err(TraceError::Count { got: packets.len(), expected });
    }
    let mut out: Vec<Tensor> = Vec::new();
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sequence = None;
    for (entry, packet) in mine().zip(packets) {
        let layout = Layout::new(entry, net, array, image)?;
        let words = layout.words() as u64;
        layout.same("length", packet.len() as u64, LEADING as u64 + words)?;
        layout.same("type", u64::from(packet[0] >> 24), u64::from(DUMP))?;
        let first = *sequence.get_or_insert(packet[1]);
        layout.same("sequence number", u64::from(packet[1]), u64::from(first))?;
        layout.same("instruction", u64::from(packet[2]), entry.instruction as u64)?;
        layout.same("words that follow", u64::from(packet[3]), words)?;
        let body = &packet[LEADING..];
        let Some([first, rows]) = entry.rows else {
            match layout.statistics {
                Some(statistics) => out.extend(layout.scalars(statistics, body)?),
                None => {
                    let mut map = Tensor::zeros(entry.tensor.clone(), entry.dims);
                    layout.fill(&mut map, body)?;
                    out.push(map);
                }
            }
            continue;
        };
        let there = parts.entry(&entry.tensor).or_default();
        if first != *there {
            return Err(layout.wrong("its rows do not follow each other"));
        }
        *there += rows;
        if first == 0 {
            out.push(Tensor::zeros(entry.tensor.clone(), entry.dims));
        }
        let map = out.iter_mut().find(|map| map.name == entry.tensor);
        layout.fill(map.ok_or_else(|| layout.wrong("it comes whole and in parts"))?, body)?;
    }
    let missing = mine().find(|entry| parts.get(&*entry.tensor).is_some_and(|&rows| rows != entry.dims[2]));
    match missing {
        None => Ok(out),
        Some(entry) => Err(TraceError::Plan { tensor: entry.tensor.clone(), what: "rows of it are missing" }),
    }
}

/// The packets that the hardware sends for an image with these tensors: the inverse of [`decode`], for a program of one
/// image. Channels beyond C and lanes beyond T are sent as 0.
///
/// # Errors
/// [`TraceError::Missing`], [`TraceError::Plan`].
pub fn encode(
    plan: &Plan,
    net: &Network,
    array: &ArrayConfig,
    tensors: &[Tensor],
    sequence: u32,
) -> Result<Vec<Vec<u32>>, TraceError> {
    let find = |node: &Node| {
        let dims = net.dims(&node.out);
        let whole = |t: &&Tensor| {
            t.name == node.name && t.dims == dims && t.data.len() == dims.iter().product::<usize>()
        };
        tensors.iter().find(whole).ok_or_else(|| TraceError::Missing { tensor: node.name.clone() })
    };
    let mut packets = Vec::new();
    for entry in &plan.dumps {
        let layout = Layout::new(entry, net, array, 0)?;
        let words = layout.words();
        let mut packet = vec![header(DUMP, 0, 0), sequence, entry.instruction as u32, words as u32];
        let values = find(layout.node)?;
        if let Some(statistics) = layout.statistics {
            let statistics = find(statistics)?;
            let (sum, max) = (statistics.data[0], statistics.data[1]);
            packet.extend([sum as u32, (sum >> 32) as u32 & 0xff, max as u32 & 0xffff]);
            packet.extend(values.data.iter().map(|&v| v as u32 & 0xffff));
        } else {
            packet.extend((0..words).map(|word| layout.word(values, word)));
        }
        packets.push(packet);
    }
    Ok(packets)
}
