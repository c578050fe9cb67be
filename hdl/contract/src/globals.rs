//! Constants of a network that are not per layer: small registers written by a load packet.

/// One global register: name, width in bits, meaning. Its index in [`TABLE`] is its address.
#[derive(Clone, Copy, Debug)]
pub struct Global {
    /// Name.
    pub name: &'static str,
    /// Width in bits, unsigned.
    pub width: usize,
    /// Meaning.
    pub doc: &'static str,
}

macro_rules! globals {
    ($d:tt $($name:ident: $width:literal, $doc:literal;)*) => {
        /// All global registers, address = index.
        pub const TABLE: &[Global] =
            &[$(Global { name: stringify!($name), width: $width, doc: $doc },)*];

        /// `global_registers!(callback)` is `callback!` of the names of all global registers in order.
        #[macro_export]
        macro_rules! global_registers {
            ($d callback:ident) => {
                $d callback! { $($name)* }
            };
        }
    };
}

/// Largest number of image channels.
pub const MAX_IMAGE_CHANNELS: usize = 4;

globals! {
    $
    leak_shift: 4, "leak 2^-leak_shift per timestep";
    fire_ge: 1, "1: fire at u >= threshold, 0: at u > threshold";
    timesteps: 5, "T";
    classes: 12, "number of logits";
    max_align: 5, "left shift of max * cm";
    ta_shift: 6, "right shift to TA";
    z_shift: 5, "right shift of TA * sca, floor";
    y_shift: 4, "left shift of the gate output";
    image_c: 3, "image channels";
    image_h: 10, "image height";
    image_w: 10, "image width";
    patch_rows: 11, "rows of the padded grid that the patch writer walks";
    patch_cols: 11, "columns of that grid";
    patch_k: 4, "stem kernel size; 0 on arrays that move maps: images come as patches for the external memory";
    patch_stride: 2, "stem stride";
    patch_pad: 3, "zero rows above and columns left";
    patch_out_h: 10, "stem output height";
    patch_out_w: 10, "stem output width";
    patch_base: 20, "first code word of the patches";
    patch_pixels: 20, "patch_out_h * patch_out_w; of patches for the external memory their transfers";
    offset_0: 8, "pixel value of code 0, channel 0";
    offset_1: 8, "pixel value of code 0, channel 1";
    offset_2: 8, "pixel value of code 0, channel 2";
    offset_3: 8, "pixel value of code 0, channel 3";
    stream_words: 24, "weight words of one image or batch that come from the external memory; 0: none, all are loaded";
    stream_base: 32, "byte address of the first of them";
}

/// Address of the named register. Panics on a name that is not in the table: a programming error.
pub fn address(name: &str) -> usize {
    TABLE.iter().position(|g| g.name == name).unwrap_or_else(|| panic!("no global register {name}"))
}

/// Width of the named register. Panics on a name that is not in the table: a programming error.
pub fn width(name: &str) -> usize {
    TABLE[address(name)].width
}

/// Position of the named register in [`TABLE`], at compile time. A name that is not there does not compile.
pub const fn position(name: &str) -> usize {
    let wanted = name.as_bytes();
    let mut i = 0;
    while i < TABLE.len() {
        let have = TABLE[i].name.as_bytes();
        let mut same = have.len() == wanted.len();
        let mut k = 0;
        while same && k < have.len() {
            same = have[k] == wanted[k];
            k += 1;
        }
        if same {
            return i;
        }
        i += 1;
    }
    panic!("no global register of this name")
}
