//! What a plan is.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::Plan;
use spikegate_contract::instr::Instr;

/// A network ready for an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The array, memory depths included.
    pub array: ArrayConfig,
    /// Instructions of one image or batch.
    pub instructions: Vec<Instr>,
    /// The same with dumps of every tensor.
    pub trace_instructions: Vec<Instr>,
    /// Steps, dumps and predicted cycles.
    pub plan: Plan,
    /// Load packets of the program.
    pub packets: Vec<Vec<u32>>,
    /// Load packets of the tracing program.
    pub trace_packets: Vec<Vec<u32>>,
}
