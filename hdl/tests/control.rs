//! Drain control, patch writer and logits against plain Rust.

mod support;

use std::collections::HashMap;

use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::control::{drain::Drain, logits::Logits, patch::PatchWriter};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use support::{set, Rng};

/// A completed sum: when, its place, its flags.
#[derive(Clone)]
struct Capture {
    cycle: usize,
    fields: [i128; 5],
    flags: [bool; 3],
}

impl Capture {
    fn random(cycle: usize, rng: &mut Rng) -> Self {
        let fields = [18, 18, 10, 3, 14].map(|bits| rng.unsigned(bits));
        Self { cycle, fields, flags: [0; 3].map(|_| rng.chance(1, 2)) }
    }
}

#[test]
fn drain_makes_beats() {
    for (ci, co) in [(16, 16), (1, 1), (8, 4)] {
        let array = ArrayConfig::new(2, 1, ci, co).unwrap();
        let mut rng = Rng(ci as u64);
        let mut unit = Drain::new(&array);
        let mut recorder = Recorder::default();
        unit.clear.next = true;
        recorder.cycle(&mut unit, |u| &mut u.clk);
        unit.clear.next = false;
        for layer in 0..10 {
            let narrow = layer % 2 == 1;
            let beats = array.beats(narrow);
            let sweeps = 1 + rng.below(3);
            let period = beats + rng.below(6);
            let out_time = rng.below(1000) as i128;
            unit.narrow.next = narrow;
            set(&mut unit.sweeps, sweeps as i128 - 1);
            set(&mut unit.sweep_period, period as i128);
            set(&mut unit.out_time, out_time);
            // Captures come back to back, in the last cycle of the last sweep, or with a gap.
            let mut captures: Vec<Capture> = vec![];
            for _ in 0..3 {
                let earliest = captures.last().map_or(2, |c| c.cycle + sweeps * period);
                captures.push(Capture::random(earliest + rng.below(2) * rng.below(4), &mut rng));
            }
            for cycle in 0..captures[2].cycle + sweeps * period + 4 {
                let now = captures.iter().find(|c| c.cycle == cycle);
                unit.capture.next = now.is_some();
                // What the inputs show otherwise does not matter.
                let shown = now.cloned().unwrap_or_else(|| Capture::random(cycle, &mut rng));
                let sum = &mut unit.sum;
                let ports = [
                    &mut sum.time_offset,
                    &mut sum.code_offset,
                    &mut sum.group,
                    &mut sum.row,
                    &mut sum.param,
                ];
                ports.into_iter().zip(shown.fields).for_each(|(p, v)| set(p, v));
                let flags = [&mut sum.first_time, &mut sum.last_time, &mut sum.first_pixel];
                flags.into_iter().zip(shown.flags).for_each(|(p, v)| set(p, i128::from(v)));
                recorder.settle(&mut unit);
                let before = captures.iter().rev().find(|c| c.cycle < cycle);
                let beat = before
                    .map(|c| (c, cycle - c.cycle - 1))
                    .filter(|(_, n)| *n < sweeps * period && n % period < beats);
                let what = format!("CO {co}, layer {layer}, cycle {cycle}");
                assert_eq!(unit.beat.valid.val().0 == 1, beat.is_some(), "{what}");
                if let Some((c, n)) = beat {
                    let (sweep, beat) = (n / period, n % period);
                    let (column, lane) =
                        if narrow { (beat / array.post, beat % array.post) } else { (beat, 0) };
                    let column = column as i128;
                    let have = [
                        unit.beat.column.val().0,
                        unit.beat.lane.val().0,
                        unit.beat.sweep.val().0,
                        unit.beat.time_offset.val().0,
                        unit.beat.code_offset.val().0,
                        unit.beat.group.val().0,
                        unit.beat.row.val().0,
                        unit.param.val().0,
                    ];
                    let [time, code, group, row, param] = c.fields;
                    let time = time + sweep as i128 * out_time;
                    let want = [
                        column,
                        lane as i128,
                        sweep as i128,
                        time,
                        code,
                        group,
                        row + column,
                        param + column,
                    ];
                    assert_eq!(have, want, "{what}");
                    let have = [
                        unit.beat.first_time.val().0 == 1,
                        unit.beat.last_time.val().0 == 1,
                        unit.beat.first_pixel.val().0 == 1,
                    ];
                    let [first, last, pixel] = c.flags;
                    assert_eq!(have, [first && sweep == 0, last && sweep + 1 == sweeps, pixel], "{what}");
                }
                sim::cycle(&mut unit, |u| &mut u.clk);
            }
        }
        if ci == 16 {
            recorder.replay(&unit, "drain");
        }
    }
}

#[test]
fn logits_keep_the_first_maximum() {
    let mut rng = Rng(3);
    let mut unit = Logits::new(16, false);
    let mut recorder = Recorder::default();
    set(&mut unit.classes, 16);
    for index in 0..16 {
        unit.valid.next = true;
        set(&mut unit.index, index);
        recorder.cycle(&mut unit, |u| &mut u.clk);
    }
    recorder.compare_from_here();
    for image in 0..20 {
        unit.clear.next = true;
        unit.valid.next = false;
        recorder.cycle(&mut unit, |u| &mut u.clk);
        unit.clear.next = false;
        let classes = 1 + rng.below(16);
        set(&mut unit.classes, classes as i128);
        // Few different values, so that there are ties; whole runs at the bottom.
        let logits: Vec<i128> = (0..16)
            .map(|_| match image % 4 {
                0 => rng.below(3) as i128 - 2,
                1 => -(1 << 31),
                2 => -5 - rng.below(2) as i128,
                _ => rng.signed(32),
            })
            .collect();
        for (i, &v) in logits.iter().enumerate() {
            for _ in 0..rng.below(3) {
                unit.valid.next = false;
                set(&mut unit.logit, i128::from(i32::MAX));
                recorder.cycle(&mut unit, |u| &mut u.clk);
            }
            unit.valid.next = true;
            set(&mut unit.logit, v);
            set(&mut unit.index, i as i128);
            recorder.cycle(&mut unit, |u| &mut u.clk);
            let seen = &logits[..=i.min(classes - 1)];
            let best = seen.iter().max().unwrap();
            let class = seen.iter().position(|v| v == best).unwrap();
            assert_eq!(unit.class.val().0, class as i128, "image {image}, {seen:?}");
        }
        unit.valid.next = false;
        for (i, &v) in logits.iter().enumerate().take(classes) {
            set(&mut unit.read_address, i as i128);
            recorder.cycle(&mut unit, |u| &mut u.clk);
            assert_eq!(unit.read_data.val().0, v);
        }
    }
    recorder.replay(&unit, "logits");
}

struct Image {
    channels: usize,
    hw: [usize; 2],
    kernel: usize,
    stride: usize,
    pad: usize,
    out: [usize; 2],
    base: usize,
    offsets: [i128; 4],
}

/// im2col: what every (slot, word) holds.
fn patches(image: &Image, pixels: &[i128], slots: usize) -> HashMap<(usize, usize), i128> {
    let mut out = HashMap::new();
    for oy in 0..image.out[0] {
        for ox in 0..image.out[1] {
            for v in 0..image.channels * image.kernel * image.kernel {
                let (c, tap) = (v / (image.kernel * image.kernel), v % (image.kernel * image.kernel));
                let place = |o: usize, k: usize, size: usize| {
                    let i = (o * image.stride + k) as isize - image.pad as isize;
                    (i >= 0 && i < size as isize).then_some(i as usize)
                };
                let y = place(oy, tap / image.kernel, image.hw[0]);
                let x = place(ox, tap % image.kernel, image.hw[1]);
                let code = match (y, x) {
                    (Some(y), Some(x)) => pixels[(c * image.hw[0] + y) * image.hw[1] + x] - image.offsets[c],
                    _ => 0,
                };
                let word = image.base + v / slots * image.out[0] * image.out[1] + oy * image.out[1] + ox;
                out.insert((v % slots, word), code);
            }
        }
    }
    out
}

#[test]
fn patches_are_im2col() {
    for slots in [1usize, 8] {
        let array = ArrayConfig::new(1, 1, slots, 1).unwrap();
        let mut rng = Rng(9 + slots as u64);
        let mut unit = PatchWriter::new(&array);
        let mut recorder = Recorder::default();
        unit.clear.next = true;
        recorder.cycle(&mut unit, |u| &mut u.clk);
        unit.clear.next = false;
        let shapes = [(3, 3, 1, 1), (1, 1, 1, 0), (2, 3, 2, 1), (1, 5, 2, 2), (2, 2, 2, 0), (1, 4, 1, 3)];
        for (channels, kernel, stride, pad) in shapes {
            let hw = [kernel + rng.below(3), kernel + rng.below(3)];
            let out = [0, 1].map(|i| (hw[i] + 2 * pad - kernel) / stride + 1);
            let offsets = [0, 255, 7, 128];
            let image = Image { channels, hw, kernel, stride, pad, out, base: rng.below(500), offsets };
            let grid = [0, 1].map(|i| ((out[i] - 1) * stride + kernel).max(pad + hw[i]));
            let ports = [
                (&mut unit.image_c, channels),
                (&mut unit.image_h, hw[0]),
                (&mut unit.image_w, hw[1]),
                (&mut unit.patch_rows, grid[0]),
                (&mut unit.patch_cols, grid[1]),
                (&mut unit.patch_k, kernel),
                (&mut unit.patch_stride, stride),
                (&mut unit.patch_pad, pad),
                (&mut unit.patch_out_h, out[0]),
                (&mut unit.patch_out_w, out[1]),
                (&mut unit.patch_base, image.base),
                (&mut unit.patch_pixels, out[0] * out[1]),
            ];
            ports.into_iter().for_each(|(p, v)| set(p, v as i128));
            offsets.iter().enumerate().for_each(|(i, &v)| set(&mut unit.offset[i], v));
            let pixels: Vec<i128> = (0..channels * hw[0] * hw[1]).map(|_| rng.unsigned(8)).collect();
            unit.start.next = true;
            recorder.cycle(&mut unit, |u| &mut u.clk);
            unit.start.next = false;
            let (mut taken, mut written, mut done, mut cycles) = (0, HashMap::new(), false, 0);
            loop {
                unit.pixel_valid.next = taken < pixels.len() && rng.chance(2, 3);
                set(&mut unit.pixel, if unit.pixel_valid.next { pixels[taken] } else { rng.unsigned(8) });
                unit.grant.next = rng.chance(2, 3);
                recorder.settle(&mut unit);
                assert!(!unit.accept.val(), "an image comes in");
                if unit.full.val() {
                    break;
                }
                taken += usize::from(unit.pixel_valid.next && unit.pixel_ready.val());
                if unit.write.val() && unit.grant.next {
                    let at = (unit.slot.val().0 as usize, unit.address.val().0 as usize);
                    assert_eq!(written.insert(at, unit.data.val().0), None, "{at:?} is written twice");
                }
                assert!(!(done && unit.done.val()), "done comes once");
                done |= unit.done.val();
                sim::cycle(&mut unit, |u| &mut u.clk);
                cycles += 1;
                assert!(cycles < 50_000, "the image does not end");
            }
            assert!(done);
            assert_eq!(taken, pixels.len());
            assert!(written == patches(&image, &pixels, slots), "kernel {kernel} stride {stride} pad {pad}");
            assert!(!unit.pixel_ready.val());
            sim::cycle(&mut unit, |u| &mut u.clk);
            unit.release.next = true;
            recorder.cycle(&mut unit, |u| &mut u.clk);
            unit.release.next = false;
            recorder.settle(&mut unit);
            assert!(!unit.full.val() && unit.accept.val());
            sim::cycle(&mut unit, |u| &mut u.clk);
        }
        if slots == 8 {
            recorder.replay(&unit, "patch");
        }
    }
}
