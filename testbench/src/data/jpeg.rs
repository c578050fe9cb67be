//! Whether a JPEG is whole. Decoders fill what is missing with grey; here the scan must have all its blocks and end where
//! they end. Source: ITU-T T.81, annexes B (markers) and F (sequential Huffman coding).
//!
//! The blocks of sequential files are walked through, which also finds much damage, though not all (the format has no
//! checksum): a wrong bit shifts the blocks behind it, which then rarely end where the scan ends.
//! Of progressive files the end is looked for, and the decoder's strict mode finds the rest.

use std::ops::Range;

const CUT: &str = "truncated: its end marker is missing";
const DAMAGED: &str = "damaged: its scan does not hold the blocks of the picture";

/// A Huffman table: symbols in the order of their codes, and how many have each length.
#[derive(Clone, Default)]
struct Table {
    counts: [u16; 16],
    symbols: Vec<u8>,
}

struct Component {
    id: u8,
    horizontal: u32,
    vertical: u32,
}

/// What the components of a picture are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    Grey,
    Rgb,
    /// Brightness and two colour differences.
    YCbCr,
    /// Of a print, as such or as YCbCr and black.
    Cmyk,
    /// So many that nobody says what they are.
    Unknown(usize),
}

/// A JPEG that is whole.
#[derive(Debug)]
pub(super) struct Whole {
    pub colours: Colours,
    /// Where the segments are that Adobe's programs write.
    pub adobe: Vec<Range<usize>>,
}

/// What the headers have said so far.
#[derive(Default)]
struct Frame {
    tables: [[Table; 4]; 2],
    components: Vec<Component>,
    width: u32,
    height: u32,
    restart: u32,
    /// Whether blocks can be walked through.
    sequential: bool,
    /// Whether a segment says that this is JFIF.
    jfif: bool,
    /// How Adobe's programs say that the components were transformed.
    transform: Option<u8>,
}

/// That a JPEG goes on to its end marker, and its scans hold what they should; what its components are. The error is a sentence with what to do.
pub(super) fn require_whole(bytes: &[u8]) -> Result<Whole, &'static str> {
    let (mut frame, mut adobe) = (Frame::default(), Vec::new());
    let mut at = 2;
    loop {
        // Any number of fill bytes may come before a marker.
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        let (&[0xff, marker], Some(rest)) = (bytes.get(at..at + 2).ok_or(CUT)?, bytes.get(at + 2..)) else {
            return Err("damaged: no marker where one is due");
        };
        if marker == 0xd9 {
            return Ok(Whole { colours: frame.colours(), adobe });
        }
        let length = rest.get(..2).map(|l| usize::from(l[0]) << 8 | usize::from(l[1])).ok_or(CUT)?;
        let segment = rest.get(2..length.max(2)).ok_or(CUT)?;
        let from = at;
        at += 2 + length.max(2);
        match marker {
            0xe0 => frame.jfif |= segment.starts_with(b"JFIF\0"),
            0xee if segment.starts_with(b"Adobe") => {
                frame.transform = segment.get(11).copied();
                adobe.push(from..at);
            }
            0xc4 => frame.read_tables(segment).ok_or(DAMAGED)?,
            0xc0..=0xcf if !matches!(marker, 0xc8 | 0xcc) => {
                frame.read_extents(segment).ok_or(DAMAGED)?;
                frame.sequential = matches!(marker, 0xc0 | 0xc1);
            }
            0xdd => frame.restart = segment.get(..2).map_or(0, |r| u32::from(r[0]) << 8 | u32::from(r[1])),
            0xda => {
                let scan = bytes.get(at..).unwrap_or_default();
                let end = end_of_scan(scan).ok_or(CUT)?;
                if frame.sequential {
                    frame.walk(segment, &scan[..end]).ok_or(DAMAGED)?;
                }
                at += end;
            }
            _ => {}
        }
    }
}

/// Where the first marker is that ends a scan.
fn end_of_scan(scan: &[u8]) -> Option<usize> {
    scan.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff))
}

impl Frame {
    fn read_tables(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&kind, rest)) = segment.split_first() {
            let table = self.tables.get_mut(usize::from(kind >> 4))?.get_mut(usize::from(kind & 15))?;
            let counts = rest.get(..16)?;
            let total = counts.iter().map(|&n| usize::from(n)).sum::<usize>();
            table.symbols = rest.get(16..16 + total)?.to_vec();
            table.counts.iter_mut().zip(counts).for_each(|(to, &n)| *to = n.into());
            segment = &rest[16 + total..];
        }
        Some(())
    }

    fn read_extents(&mut self, segment: &[u8]) -> Option<()> {
        let word = |at: usize| Some(u32::from(*segment.get(at)?) << 8 | u32::from(*segment.get(at + 1)?));
        (self.height, self.width) = (word(1)?, word(3)?);
        let count = usize::from(*segment.get(5)?);
        let all = segment.get(6..6 + 3 * count)?.chunks_exact(3);
        let component = |c: &[u8]| {
            let (horizontal, vertical) = (u32::from(c[1] >> 4), u32::from(c[1] & 15));
            let fits = (1..=4).contains(&horizontal) && (1..=4).contains(&vertical);
            fits.then_some(Component { id: c[0], horizontal, vertical })
        };
        self.components = all.map(component).collect::<Option<_>>()?;
        Some(())
    }

    /// What the components are, as libjpeg decides it: JFIF is never RGB, Adobe's programs say it, and without either the
    /// components may be called so.
    fn colours(&self) -> Colours {
        let named = || self.components.iter().map(|c| c.id).eq(*b"RGB");
        match (self.components.len(), self.jfif, self.transform) {
            (1, ..) => Colours::Grey,
            (3, false, Some(0)) => Colours::Rgb,
            (3, false, None) if named() => Colours::Rgb,
            (3, ..) => Colours::YCbCr,
            (4, ..) => Colours::Cmyk,
            (other, ..) => Colours::Unknown(other),
        }
    }

    /// Walks through all blocks of a sequential scan; none if they are not there, or something else is.
    fn walk(&self, header: &[u8], scan: &[u8]) -> Option<()> {
        let count = usize::from(*header.first()?);
        let chosen = header.get(1..1 + 2 * count)?.chunks_exact(2);
        let chosen: Option<Vec<_>> = chosen
            .map(|c| {
                let component = self.components.iter().find(|known| known.id == c[0])?;
                let table = |class: usize, n: u8| self.tables[class].get(usize::from(n));
                Some((component, table(0, c[1] >> 4)?, table(1, c[1] & 15)?))
            })
            .collect();
        let chosen = chosen?;
        let most = |of: fn(&Component) -> u32| self.components.iter().map(of).max();
        let (widest, highest) = (most(|c| c.horizontal)?, most(|c| c.vertical)?);
        // A scan of one component has its own blocks alone; others have units of all components' blocks.
        let units = match chosen.as_slice() {
            [(c, ..)] => {
                let across = (self.width * c.horizontal).div_ceil(8 * widest);
                across * (self.height * c.vertical).div_ceil(8 * highest)
            }
            _ => self.width.div_ceil(8 * widest) * self.height.div_ceil(8 * highest),
        };
        let mut bits = Bits { bytes: scan, at: 0, left: 0, byte: 0 };
        for unit in 0..units {
            if self.restart > 0 && unit > 0 && unit % self.restart == 0 {
                bits.restart((unit / self.restart - 1) % 8)?;
            }
            for (component, dc, ac) in &chosen {
                let blocks = if count == 1 { 1 } else { component.horizontal * component.vertical };
                for _ in 0..blocks {
                    bits.block(dc, ac)?;
                }
            }
        }
        bits.pad()?;
        // Fill bytes may stand before the marker.
        scan[bits.at..].iter().all(|&byte| byte == 0xff).then_some(())
    }
}

/// Bits of a scan, without the zeros stuffed behind 0xff.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    byte: u8,
    left: u32,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<u16> {
        if self.left == 0 {
            self.byte = *self.bytes.get(self.at)?;
            self.at += 1;
            if self.byte == 0xff {
                // Anything but a stuffed zero is a marker.
                (*self.bytes.get(self.at)? == 0).then_some(())?;
                self.at += 1;
            }
            self.left = 8;
        }
        self.left -= 1;
        Some(u16::from(self.byte >> self.left & 1))
    }

    fn symbol(&mut self, table: &Table) -> Option<u8> {
        let (mut code, mut first, mut index) = (0u32, 0u32, 0usize);
        for &count in &table.counts {
            code |= u32::from(self.bit()?);
            if code < first + u32::from(count) {
                return table.symbols.get(index + code.checked_sub(first)? as usize).copied();
            }
            index += usize::from(count);
            first = (first + u32::from(count)) << 1;
            code <<= 1;
        }
        None
    }

    /// One block: a difference, then runs of zeros and values up to the 64th place.
    fn block(&mut self, dc: &Table, ac: &Table) -> Option<()> {
        for _ in 0..self.symbol(dc)? {
            self.bit()?;
        }
        let mut place = 1u32;
        while place < 64 {
            let symbol = self.symbol(ac)?;
            let (run, size) = (u32::from(symbol >> 4), symbol & 15);
            match (run, size) {
                (0, 0) => break,
                (15, 0) => place += 16,
                (_, 0) => return None,
                _ => place += run + 1,
            }
            if place > 64 {
                return None;
            }
            for _ in 0..size {
                self.bit()?;
            }
        }
        Some(())
    }

    /// The rest of a byte behind the last block: ones, or zeros as some encoders write.
    fn pad(&mut self) -> Option<()> {
        let ones = (1u16 << self.left) - 1;
        let rest = u16::from(self.byte) & ones;
        self.left = 0;
        (rest == 0 || rest == ones).then_some(())
    }

    /// The restart marker of a number, at the next byte.
    fn restart(&mut self, number: u32) -> Option<()> {
        self.pad()?;
        while self.bytes.get(self.at..self.at + 2) == Some(&[0xff, 0xff]) {
            self.at += 1;
        }
        (self.bytes.get(self.at..self.at + 2)? == [0xff, 0xd0 + number as u8]).then_some(())?;
        self.at += 2;
        Some(())
    }
}
