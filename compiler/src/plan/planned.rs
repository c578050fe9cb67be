//! What a plan is.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::Plan;
use spikegate_contract::instr::Instr;
use spikegate_contract::network::NodeId;

use super::shown::Hidden;

/// A network ready for an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The array, memory depths included.
    pub array: ArrayConfig,
    /// Bytes of the external memory, from address 0 on, that the programs use.
    pub external: u64,
    /// Instructions of one image or batch.
    pub instructions: Vec<Instr>,
    /// The same with dumps of all nodes but the `hidden` ones.
    pub trace_instructions: Vec<Instr>,
    /// Steps, dumps and predicted cycles.
    pub plan: Plan,
    /// The nodes that the tracing program does not show; it dumps all others.
    pub hidden: Vec<(NodeId, Hidden)>,
    /// Load packets of the program.
    pub packets: Vec<Vec<u32>>,
    /// Load packets of the tracing program.
    pub trace_packets: Vec<Vec<u32>>,
}
