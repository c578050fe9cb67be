//! How an image travels to the core: its pixels, or the patches of its stem, for the external memory.
//!
//! Where the patches fit the code memory, the core takes pixels and writes every one of them to the patches that it belongs
//! to. Where they do not, the driver makes the patches, a map of pixels with `C * K * K` channels, and they lie in the external
//! memory as [`Moved::Codes`] lie there. Channel `c * K * K + ky * K + kx` of output pixel (oy, ox) is the pixel at row
//! `oy * stride + ky - pad`, column `ox * stride + kx - pad` of channel c; outside the image it is the pixel value of code 0,
//! which the bias of the stem takes off again, and of channels that fill up the last group it is 0.

use crate::array::{ArrayConfig, Moved};
use crate::network::{Layer, Network, Op};
use crate::packet::{header, words_per_patch_transfer, Target, IMAGE};

/// The form of a network's images on an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageForm {
    /// So many pixels, in (c, y, x) order.
    Pixels(usize),
    /// Patches for the external memory.
    Patches(Patches),
}

/// Where patches lie, and how they are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patches {
    /// Their first transfer in the external memory.
    first: u32,
    /// Channels, rows and columns of the image.
    shape: [usize; 3],
    /// Kernel size, stride and padding of the stem.
    window: [usize; 3],
    /// Rows and columns of its output.
    out: [usize; 2],
    /// The pixel value of code 0 of every channel.
    offset: Vec<u8>,
    /// Slots of the array, and how many of them share a transfer.
    slots: [usize; 2],
    /// Words of the packet that a transfer takes.
    words: usize,
}

impl ImageForm {
    /// Images of a network for an array, whose patches lie in the external memory from a transfer on, or on chip.
    pub fn new(net: &Network, array: &ArrayConfig, patches: Option<u32>) -> Self {
        let shape = net.input_shape();
        let pixels = Self::Pixels(shape.iter().product());
        let (Some(first), Some((layer, offset))) = (patches, net.image_layer()) else { return pixels };
        Self::Patches(Patches {
            first,
            shape,
            window: [layer.k, layer.stride, layer.pad],
            out: layer.out_hw(),
            offset: offset.to_vec(),
            slots: [array.ci, array.moved_slots(Moved::Codes)],
            words: words_per_patch_transfer(array),
        })
    }

    /// Words of a packet.
    pub fn words(&self) -> usize {
        match self {
            Self::Pixels(pixels) => 2 + pixels.div_ceil(4),
            Self::Patches(patches) => 4 + patches.transfers() * patches.words,
        }
    }

    /// The packet of an image, of pixels in (c, y, x) order.
    pub fn packet(&self, sequence: u32, pixels: &[u8]) -> Vec<u32> {
        let mut packet = Vec::with_capacity(self.words());
        match self {
            Self::Pixels(_) => {
                packet.extend([header(IMAGE, 0, 0), sequence]);
                packet.extend(pixels.chunks(4).map(word));
            }
            Self::Patches(patches) => {
                let (high, low) = ((patches.first >> 20) as u16, patches.first & 0xf_ffff);
                packet.extend([header(IMAGE, Target::Memory as u8, high), sequence]);
                packet.extend([low, patches.transfers() as u32]);
                patches.each(|slots| {
                    let bytes: Vec<u8> = slots.iter().map(|place| place.read(pixels)).collect();
                    packet.extend(bytes.chunks(4).map(word));
                });
            }
        }
        packet
    }

    /// The pixels of a packet in (c, y, x) order, those that no patch holds with the value of code 0; none where it is not the
    /// packet of an image of this form.
    pub fn pixels(&self, packet: &[u32]) -> Option<Vec<u8>> {
        if packet.len() != self.words() {
            return None;
        }
        match self {
            Self::Pixels(count) => {
                let bytes = packet[2..].iter().flat_map(|word| word.to_le_bytes());
                (packet[0] == header(IMAGE, 0, 0)).then(|| bytes.take(*count).collect())
            }
            Self::Patches(patches) => {
                let [channels, h, w] = patches.shape;
                let empty: Vec<u8> =
                    (0..channels).flat_map(|c| std::iter::repeat_n(patches.offset(c), h * w)).collect();
                // All but the sequence number is that of every image.
                let same = Self::Patches(patches.clone()).packet(packet[1], &empty);
                if packet[..4] != same[..4] {
                    return None;
                }
                let (mut pixels, mut words) = (empty, packet[4..].chunks_exact(patches.words));
                patches.each(|slots| {
                    let bytes = words.next().into_iter().flatten().flat_map(|word| word.to_le_bytes());
                    for (place, byte) in slots.iter().zip(bytes) {
                        if let Place::Pixel(at) = *place {
                            pixels[at] = byte;
                        }
                    }
                });
                Some(pixels)
            }
        }
    }
}

/// What a slot's byte of a patch is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// A pixel of the image.
    Pixel(usize),
    /// A value that all images have there.
    Fixed(u8),
}

impl Place {
    fn read(self, pixels: &[u8]) -> u8 {
        match self {
            Place::Pixel(at) => pixels.get(at).copied().unwrap_or(0),
            Place::Fixed(value) => value,
        }
    }
}

impl Patches {
    /// Transfers that an image takes.
    pub fn transfers(&self) -> usize {
        let [slots, share] = self.slots;
        self.channels().div_ceil(slots) * self.out.iter().product::<usize>() * (slots / share)
    }

    fn channels(&self) -> usize {
        self.shape[0] * self.window[0].pow(2)
    }

    fn offset(&self, channel: usize) -> u8 {
        self.offset.get(channel).copied().unwrap_or(0)
    }

    /// Calls for every transfer, in their order, with what the bytes of its slots are.
    fn each(&self, mut transfer: impl FnMut(&[Place])) {
        let ([slots, share], [out_h, out_w]) = (self.slots, self.out);
        for group in 0..self.channels().div_ceil(slots) {
            for (oy, ox) in (0..out_h).flat_map(|oy| (0..out_w).map(move |ox| (oy, ox))) {
                let places: Vec<Place> =
                    (0..slots).map(|slot| self.place(group * slots + slot, oy, ox)).collect();
                places.chunks(share).for_each(&mut transfer);
            }
        }
    }

    fn place(&self, channel: usize, oy: usize, ox: usize) -> Place {
        let ([channels, h, w], [k, stride, pad]) = (self.shape, self.window);
        let (c, ky, kx) = (channel / (k * k), channel / k % k, channel % k);
        if c >= channels {
            return Place::Fixed(0);
        }
        let (y, x) = ((oy * stride + ky).checked_sub(pad), (ox * stride + kx).checked_sub(pad));
        match (y.filter(|&y| y < h), x.filter(|&x| x < w)) {
            (Some(y), Some(x)) => Place::Pixel((c * h + y) * w + x),
            _ => Place::Fixed(self.offset(c)),
        }
    }
}

/// Four bytes to a word, the first in the low byte.
fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte))
}

impl Network {
    /// The convolution that reads the image, and the pixel value of code 0 of every channel.
    pub fn image_layer(&self) -> Option<(Layer<'_>, &[u8])> {
        self.layers().find_map(|layer| match &self.source(layer.id).op {
            Op::Input { offset } => Some((layer, &offset[..])),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patches(window: [usize; 3], out: [usize; 2], slots: [usize; 2]) -> Patches {
        let words = (slots[1] / 4).max(1);
        Patches { first: (3 << 20) + 5, shape: [3, 5, 4], window, out, offset: vec![7, 8, 9], slots, words }
    }

    #[test]
    fn a_packet_holds_the_image_that_it_was_made_from() {
        let pixels: Vec<u8> = (0..60).map(|n| 100 + n).collect();
        for (window, out) in [([3, 1, 1], [5, 4]), ([3, 2, 1], [3, 2]), ([2, 2, 0], [3, 2])] {
            for slots in [[8, 8], [8, 4], [2, 2], [1, 1]] {
                let form = ImageForm::Patches(patches(window, out, slots));
                let mut packet = form.packet(42, &pixels);
                assert_eq!(packet.len(), form.words());
                assert_eq!(packet[..3], [0x0206_0003, 42, 5]);
                assert_eq!(form.pixels(&packet).as_ref(), Some(&pixels), "{window:?} {slots:?}");
                packet[2] += 1;
                assert_eq!(form.pixels(&packet), None, "another place");
                assert_eq!(form.pixels(&packet[1..]), None, "another length");
            }
        }
        let form = ImageForm::Pixels(6);
        let packet = form.packet(1, &pixels[..6]);
        assert_eq!(packet, [0x0200_0000, 1, 0x6766_6564, 0x6968]);
        assert_eq!(form.pixels(&packet), Some(pixels[..6].to_vec()));
    }

    #[test]
    fn a_patch_is_the_window_of_its_pixel() {
        let pixels: Vec<u8> = (0..60).map(|n| 100 + n).collect();
        let form = ImageForm::Patches(patches([3, 2, 1], [3, 2], [8, 8]));
        let packet = form.packet(0, &pixels);
        // Channels 0 to 7 at (0, 0): the border above and on the left, else the first channel's rows 0 and 1.
        assert_eq!(packet[4..6], [0x0707_0707, 0x6807_6564]);
        // Channels 24 to 26, the row below the last channel, and what fills up their group, at (2, 1).
        assert_eq!(packet[packet.len() - 2..], [0x0009_0909, 0]);
    }
}
