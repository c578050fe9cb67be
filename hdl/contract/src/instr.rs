//! The instruction: one entry of the layer table, as a table of bit fields.
//!
//! [`Instr`] has one member per field; [`layout`] says where each field lies in the 32-bit words. Hardware and
//! compiler both use this table, so a field has one width and one place.
//!
//! A *count* field holds the count minus one. Addresses are word addresses within a slot's memory.

use crate::failure::{Failure, Kind};
use std::borrow::Cow;

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Opcode {
    /// Run a convolution and its post-processing.
    Conv = 1,
    /// Turn sum and maximum into `TA[t]`.
    Temporal = 2,
    /// Send a region of a memory out by the stream (trace).
    Dump = 3,
    /// Send the result packet; after the last of a batch wait for the next image and start again at instruction 0.
    Finish = 4,
    /// Take up the next image of a batch, when it is there.
    Take = 5,
    /// Move words of all slots between a memory and the external one, when nothing else is on its way there: segments of
    /// `length` words, `groups_in` of them and one. Segment g lies at `source_base + g * source_group` in the memory
    /// that `source` says (codes are [`Source::Attention`], `signed` or not), and from transfer [`Instr::first_transfer`] `+ g *
    /// weight_group` on of the external port, counted from address 0. What a word is there:
    /// [`Moved`](crate::array::Moved).
    ///
    /// With [`Source::Image`] the words go to the instruction memory, one in the low 32 bits of every transfer, and the program
    /// goes on at `source_base`: a page of a program that is larger than the memory.
    Move = 6,
}

/// Where a convolution reads its operands, and what [`Opcode::Dump`] sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Source {
    /// Code memory, 9-bit image codes in patches; lanes carry planes.
    Image = 0,
    /// Code memory, 8-bit attention codes; lanes carry planes.
    Attention = 1,
    /// Spike memory; lanes carry timesteps.
    Spikes = 2,
    /// Stream memory; lanes carry timesteps, planes run as passes, most significant first.
    /// For [`Opcode::Dump`]: every lane's 16 bits.
    Stream = 3,
}

/// What becomes of a sum's lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Combine {
    /// Each is a value of its own.
    Apart = 0,
    /// They are planes of an attention code.
    Attention = 1,
    /// They are planes of an image code.
    Image = 2,
    /// They are values, which are added; of the last input group only `last_lanes`.
    Values = 3,
}

/// What is written to the code memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum CodeMode {
    /// Nothing.
    None = 0,
    /// `Xq = clamp(round(y, xq_shift), -128, 127)`.
    Xq = 1,
    /// `Z1 = clamp(y, 0, 255)`.
    Z1 = 2,
}

/// Place of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name, as in [`Instr`].
    pub name: &'static str,
    /// Width in bits.
    pub width: usize,
    /// Word of the instruction.
    pub word: usize,
    /// Least significant bit in that word.
    pub lsb: usize,
    /// Meaning.
    pub doc: &'static str,
}

/// A bit of a field that is a flag of its own under one opcode, which has no other use for the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Name, as the hardware calls it.
    pub name: &'static str,
    /// The opcode.
    pub op: Opcode,
    /// The field.
    pub field: Index,
    /// Bit of the field.
    pub bit: usize,
}

macro_rules! instruction {
    (
        $d:tt
        fields {
            $($name:ident : $width:literal, $doc:literal;)*
        }
        flags {
            $($mask:ident $flag:ident : $op:ident $field:ident [$bit:tt], $flag_doc:literal;)*
        }
        moving {
            $($moving_mask:ident $moving:ident : $moving_op:ident $moving_field:ident [$moving_bit:tt], $moving_doc:literal;)*
        }
        behind $before:ident {
            $($own:ident : $own_width:literal, $own_doc:literal;)*
        }
    ) => {
        /// One instruction, a value per field. Values wider than the field are an encoding error.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Instr {
            $(#[doc = $doc] pub $name: u32,)*
            $(#[doc = $own_doc] pub $own: u32,)*
        }

        /// Position of each field in [`layout`].
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Index { $(#[doc = $doc] $name,)* $(#[doc = $own_doc] $own,)* }

        const DECLARED: &[(&str, usize, &str)] = &[$((stringify!($name), $width, $doc),)*];
        /// Fields that only arrays with [`crate::array::ArrayConfig::neurons`] know, in the bits that are free behind a field.
        const OWN: &[(&str, usize, &str)] = &[$((stringify!($own), $own_width, $own_doc),)*];
        const BEFORE: Index = Index::$before;

        $(
            #[doc = concat!("Bit of `", stringify!($field), "` in [`Opcode::", stringify!($op), "`]: ", $flag_doc)]
            pub const $mask: u32 = 1 << $bit;
        )*
        $(
            #[doc = concat!("Bit of `", stringify!($moving_field), "` in [`Opcode::", stringify!($moving_op), "`]: ", $moving_doc)]
            pub const $moving_mask: u32 = 1 << $moving_bit;
        )*

        /// All flags.
        pub const FLAGS: &[Flag] = &[$(
            Flag { name: stringify!($flag), op: Opcode::$op, field: Index::$field, bit: $bit },
        )* $(
            Flag { name: stringify!($moving), op: Opcode::$moving_op, field: Index::$moving_field, bit: $moving_bit },
        )*];

        /// `instruction_table!(callback)` is `callback!` of the names of all fields, in the order of the layout, and of
        /// all flags with field and bit that every array knows.
        #[macro_export]
        macro_rules! instruction_table {
            ($d callback:ident) => {
                $d callback! { fields { $($name)* } flags { $($flag: $field [$bit])* } }
            };
        }

        impl Instr {
            /// Values in the order of [`layout`].
            pub fn values(&self) -> Vec<u32> { vec![$(self.$name,)* $(self.$own,)*] }
            /// The instruction with the given values, in the order of [`layout`].
            pub fn from_values(values: &[u32]) -> Self {
                let mut it = values.iter().copied();
                Self { $($name: it.next().unwrap_or(0),)* $($own: it.next().unwrap_or(0),)* }
            }
        }
    };
}

instruction! {
    $
    fields {
        op: 3, "operation, see Opcode";
        source: 2, "operand memory and form, see Source";
        signed: 1, "the top plane of the operand is negative";
        combine: 2, "sum of the lanes, see Combine";
        planes: 4, "plane passes per time pass, minus one";
        plane_top: 4, "stream operand: most significant plane";
        time_passes: 4, "time passes, minus one";
        kernel: 3, "kernel size minus one";
        stride: 2, "stride, 1 or 2";
        pad: 3, "zero rows above and columns left";
        in_h: 10, "operand map height";
        in_w: 10, "operand map width";
        row_step: 12, "stride * in_w";
        row_origin: 12, "pad * in_w";
        source_base: 20, "first word of the operand map";
        source_group: 20, "words from one channel group (Move: segment) to the next";
        source_time: 20, "words from one time pass to the next; Move: of an array with parity, words at the end of a segment that do not count in the balance of what is written and read";
        groups_in: 10, "input channel groups, minus one; Move: segments, minus one";
        weight_base: 20, "first word of the weights, of packed ones twice its number; Move: first transfer of segment 0, its low bits";
        weight_group: 20, "weight words of one output group, kernel^2 * input groups, of packed ones rounded up to an even number; Move: transfers from one segment to the next";
        weight_row: 14, "weight words of one kernel row, kernel * input groups";
        groups_out: 10, "output channel groups, minus one";
        out_h: 10, "output map height, minus one";
        out_w: 10, "output map width, minus one";
        out_time: 20, "words from one time pass of an output map to the next (its pixels), also from one channel group of a code map to the next";
        out_group: 20, "words from one channel group of an output map with time passes to the next";
        param_base: 16, "first entry of the parameters in each post lane; Move: the bits above those of weight_base";
        drain_period: 12, "cycles that one capture occupies the post lanes, sweeps * sweep_period";
        sweeps: 4, "sweeps over one capture (time passes of a map made from one value), minus one";
        sweep_period: 8, "cycles from the start of one sweep to the next";
        narrow: 1, "one output channel per beat instead of one per post lane";
        threshold: 16, "LIF threshold, s16";
        last_lanes: 16, "lanes that exist in the last time pass, one bit each";
        spike_on: 1, "write LIF spikes";
        spike_base: 20, "first word of the spike map written";
        stream_on: 1, "write the stream";
        stream_base: 20, "first word of the stream map written, or of the counts";
        stream_half: 1, "of the stream, only the words at even offsets, at half their offset: the even columns of a map of even width";
        code_mode: 2, "what goes to the code memory, see CodeMode";
        code_base: 20, "first word of the code map written";
        xq_shift: 4, "shift of Xq";
        residual_on: 1, "add the stream map at residual_base";
        residual_base: 20, "first word of the residual added";
        statistics: 1, "sum and maximum of lane 0";
        gate: 1, "pass sca through the gate; masks come from the spike map at gate_base";
        gate_base: 20, "first word of the stem spikes";
        count: 1, "write spike counts at stream_base, one word per channel group";
        result: 1, "logits: bias is added, nothing is requantised";
        release: 1, "the image patches are free when this instruction ends";
        skip: 1, "serve only spike words that are not zero";
        length: 20, "Dump: words per slot; Move: words of a segment; Conv on a batch: words from one image's operands to the next's";
        images: 4, "Conv: images of the batch, minus one; Finish: results that follow in the batch; Dump: flags";
        image: 4, "Take, Dump, Finish: which image of the batch; Conv, Move: flags";
    }
    flags {
        DUMP_SCALARS dump_scalars: Dump code_mode[0], "the encoder's scalars are sent instead of a memory; `source` is 1.";
        RESIDUAL_SPILLED residual_spilled: Conv image[0], "the residual is the next map out of the external memory, not at `residual_base`.";
        STREAM_SPILLED stream_spilled: Conv image[1], "the stream goes to the external memory, behind the maps that are there. What `stream_on` and `count` write on chip they write too.";
        STREAM_QUARTER stream_quarter: Conv image[2], "for a map of even width and height on an array that can spill: of the stream, what `stream_on` writes on chip are the even columns of the even rows, at a quarter of their offset.";
        DUMP_SPILLED dump_spilled: Dump images[0], "the map is the next one out of the external memory, and `length` its beats (R channels of a pixel and time pass).";
        DUMP_KEEPS dump_keeps: Dump images[1], "the map goes back to the external memory, behind all others.";
    }
    moving {
        CONTINUES continues: Conv image[3], "these output rows follow those of the instruction before, on an array that can move maps: the operand's first row is not at the map's border, and the statistics go on.";
        MOVE_OUT move_out: Move image[0], "to the external memory.";
        PACKED packed: Conv weight_group[19], "weights lie two to a byte, on an array that can take them so: an even weight word in the low four bits, the next in the high ones. A bit that no output group's words reach.";
    }
    behind threshold {
        leak_flip: 4, "bits in which the leak of the layer's neurons differs from the global `leak_shift`";
        fire_flip: 1, "their comparison is not the global `fire_ge`";
        subtracts: 1, "a spike takes the threshold off their membrane instead of setting it to 0";
    }
}

/// Places of the fields that every array knows: fields in declaration order, a field that does not fit a word starts the next
/// one.
pub fn plain_layout() -> Vec<Field> {
    placed(DECLARED, (0, 0))
}

/// Places of all fields: those that every array knows, then those of arrays whose layers have neurons of their own
/// ([`crate::array::ArrayConfig::neurons`]). The latter lie where no other field does, and are 0 in programs of others.
pub fn layout() -> Vec<Field> {
    let mut all = plain_layout();
    let before = all[BEFORE as usize];
    all.extend(placed(OWN, (before.word, before.lsb + before.width)));
    all
}

fn placed(fields: &[(&'static str, usize, &'static str)], from: (usize, usize)) -> Vec<Field> {
    let (mut word, mut lsb) = from;
    fields
        .iter()
        .map(|&(name, width, doc)| {
            if lsb + width > 32 {
                (word, lsb) = (word + 1, 0);
            }
            let field = Field { name, width, word, lsb, doc };
            lsb += width;
            field
        })
        .collect()
}

/// 32-bit words of one instruction.
pub fn words() -> usize {
    plain_layout().last().map_or(0, |f| f.word + 1)
}

/// Width of the named field. Panics on a name that is not in the table: a programming error.
pub fn width(name: &str) -> usize {
    DECLARED
        .iter()
        .chain(OWN)
        .find(|f| f.0 == name)
        .unwrap_or_else(|| panic!("no instruction field {name}"))
        .1
}

/// A value that does not fit its field.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("instruction field {field} is {value}, more than its {width} bits hold")]
pub struct FieldOverflow {
    /// Field name.
    pub field: &'static str,
    /// The value.
    pub value: u32,
    /// Bits of the field.
    pub width: usize,
}

impl Instr {
    /// The same [`Opcode::Move`] from a transfer of the external port on.
    pub fn at_transfer(self, first: usize) -> Self {
        let bits = width("weight_base");
        Self { weight_base: (first & ((1 << bits) - 1)) as u32, param_base: (first >> bits) as u32, ..self }
    }
    /// First transfer of the external port of an [`Opcode::Move`].
    pub fn first_transfer(&self) -> usize {
        (self.param_base as usize) << width("weight_base") | self.weight_base as usize
    }
    /// The instruction's words.
    pub fn encode(&self) -> Result<Vec<u32>, FieldOverflow> {
        let mut out = vec![0u32; words()];
        for (f, v) in layout().iter().zip(self.values()) {
            if u64::from(v) >> f.width != 0 {
                return Err(FieldOverflow { field: f.name, value: v, width: f.width });
            }
            out[f.word] |= v << f.lsb;
        }
        Ok(out)
    }
    /// The inverse of [`Instr::encode`]; missing words read as zero.
    pub fn decode(code: &[u32]) -> Self {
        let value = |f: &Field| {
            (u64::from(code.get(f.word).copied().unwrap_or(0)) >> f.lsb & ((1u64 << f.width) - 1)) as u32
        };
        Self::from_values(&layout().iter().map(value).collect::<Vec<_>>())
    }
}

impl Failure for FieldOverflow {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_and_decodes_every_field() {
        for (i, f) in layout().iter().enumerate() {
            let mut v = vec![0; layout().len()];
            v[i] = ((1u64 << f.width) - 1) as u32;
            let instr = Instr::from_values(&v);
            let code = instr.encode().expect("fits");
            assert_eq!(code.iter().map(|w| w.count_ones()).sum::<u32>(), f.width as u32, "{}", f.name);
            assert_eq!(Instr::decode(&code), instr);
            v[i] += 1;
            if f.width < 32 {
                assert!(Instr::from_values(&v).encode().is_err(), "{}", f.name);
            }
        }
    }

    #[test]
    fn fields_of_some_arrays_lie_where_no_other_does() {
        let (all, plain) = (layout(), plain_layout());
        assert_eq!(all[..plain.len()], plain);
        let bits = |f: &Field| (f.word, (f.lsb..f.lsb + f.width).collect::<Vec<_>>());
        for own in &all[plain.len()..] {
            let (word, taken) = bits(own);
            assert!(word < words() && taken.iter().all(|&bit| bit < 32), "{}", own.name);
            for other in all.iter().filter(|f| f.name != own.name) {
                let (at, others) = bits(other);
                assert!(
                    at != word || !others.iter().any(|bit| taken.contains(bit)),
                    "{} {}",
                    own.name,
                    other.name
                );
            }
        }
    }

    #[test]
    fn flags_are_bits_of_their_fields_and_share_none() {
        for (i, flag) in FLAGS.iter().enumerate() {
            let field = layout()[flag.field as usize];
            assert!(flag.bit < field.width, "{}: {} has {} bits", flag.name, field.name, field.width);
            let same = |other: &&Flag| (other.op, other.field, other.bit) == (flag.op, flag.field, flag.bit);
            assert_eq!(FLAGS.iter().find(same), Some(&FLAGS[i]), "{}", flag.name);
        }
    }
}
