//! Words that the hardware, the compiler, the runtime and the golden model agree on.
//!
//! Nothing here computes a network: this crate declares number formats, shapes, index order, the array
//! configuration, the instruction table, CSRs and packets. All of that is plain data. What every crate that touches files or
//! starts programs needs stands here too, on the lowest floor: [`lock`], [`link`], [`abandon`]. These three are a
//! screen or two each, and no word of the contract depends on them; a crate of their own below this one would add a name to
//! every manifest for less than 200 lines.
//!
//! | module | what it fixes |
//! | --- | --- |
//! | [`network`] | the integer network and whether it is within its ranges, **the document of record** for every rounding and saturation |
//! | [`tensor`] | named integer tensors with one index order, exchanged by traces and comparisons |
//! | [`mod@array`] | size and memory depths of one generated accelerator |
//! | [`dram`] | a board's memory behind its controller: constants, and when it answers |
//! | [`timing`] | the pipeline's stages by name and cycle |
//! | [`instr`] | the instruction (layer table entry) as a table of bit fields |
//! | [`globals`] | per-network constants that are not per layer |
//! | [`packet`] | words of the packets on the two AXI4-Streams |
//! | [`image`] | images in packets: pixels, or patches for the external memory |
//! | [`frame`] | what packets travel in: number, length, CRC32 |
//! | [`csr`] | the AXI4-Lite register table |
//! | [`uart`] | frames on a serial link to the core |
//! | [`failure`] | what every error says beside its message: kind and help |
//! | [`lock`] | the one way a file or folder is locked |
//! | [`link`] | links that lead nowhere, in the way of what is made |
//! | [`abandon`] | what ends with this process |
//! | [`text`] | what of a stranger's text may be shown |
//! | [`figure`] | numbers of a report, with where they come from |
//! | [`bundle`] | the files of a compiled design and its manifest |

pub mod abandon;
pub mod array;
pub mod bundle;
pub mod csr;
pub mod dram;
pub mod failure;
pub mod figure;
pub mod frame;
pub mod globals;
pub mod image;
pub mod instr;
pub mod link;
pub mod lock;
pub mod network;
pub mod packet;
pub mod tensor;
pub mod text;
pub mod timing;
pub mod uart;
