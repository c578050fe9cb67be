//! Pixel walker and tap walker together against a plain loop nest.

mod support;

use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::control::{pixels::Pixels, window::Window};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use support::{set, Rng};

#[derive(Clone, Debug)]
struct Layer {
    kernel: usize,
    stride: usize,
    pad: usize,
    in_hw: [usize; 2],
    out_hw: [usize; 2],
    groups_in: usize,
    groups_out: usize,
    planes: usize,
    time_passes: usize,
    stream: bool,
    plane_sum: bool,
    signed_top: bool,
    drain_period: usize,
    images: usize,
    bases: [usize; 3],
    strides: [usize; 4],
    source_image: usize,
    /// The first row lies behind that of the layer before.
    continues: bool,
}

impl Layer {
    fn random(kernel: usize, batch: usize, rng: &mut Rng) -> Self {
        let stride = 1 + rng.below(2);
        let pad = rng.below(kernel.min(4));
        let size = |rng: &mut Rng| kernel.saturating_sub(2 * pad).max(1) + rng.below(3);
        let in_hw = [size(rng), size(rng)];
        let out = |n: usize| (n + 2 * pad - kernel) / stride + 1;
        Self {
            kernel,
            stride,
            pad,
            in_hw,
            out_hw: [out(in_hw[0]), out(in_hw[1])],
            groups_in: 1 + rng.below(3),
            groups_out: 1 + rng.below(4),
            planes: 1 + rng.below(3),
            time_passes: 1 + rng.below(3),
            stream: rng.chance(1, 2),
            plane_sum: rng.chance(1, 2),
            signed_top: rng.chance(1, 2),
            drain_period: 1 + rng.below(20),
            images: 1 + rng.below(batch),
            bases: [rng.below(1000), rng.below(1000), rng.below(100)],
            strides: [100 + rng.below(50), 200 + rng.below(50), 300 + rng.below(50), 400 + rng.below(50)],
            source_image: 500 + rng.below(50),
            continues: false,
        }
    }
    fn continued(mut self) -> Self {
        self.continues = true;
        self.out_hw[0] = self.out_hw[0].min((self.in_hw[0] - 1) / self.stride + 1);
        self
    }
    /// What the first window lacks above.
    fn top(&self) -> usize {
        if self.continues {
            0
        } else {
            self.pad
        }
    }
}

/// Everything that comes with an issued word: address, weight, plane, then flags and the output's place.
#[derive(Debug, PartialEq, Eq)]
struct Issue {
    address: usize,
    weight: usize,
    plane: usize,
    flags: [bool; 9],
    opens: bool,
    place: [usize; 5],
    finished: bool,
}

fn loop_nest(k: &Layer, array: &ArrayConfig) -> Vec<Issue> {
    let mut out = vec![];
    let [source_base, weight_base, param_base] = k.bases;
    let [source_group, source_time, out_time, out_group] = k.strides;
    let inside = |o: usize, tap: usize, pad: usize, size: usize| {
        let i = (o * k.stride + tap) as isize - pad as isize;
        (i >= 0 && (i as usize) < size).then_some(i as usize)
    };
    for og in 0..k.groups_out {
        let channel = og * array.co;
        for (image, oy) in (0..k.images).flat_map(|image| (0..k.out_hw[0]).map(move |oy| (image, oy))) {
            for ox in 0..k.out_hw[1] {
                for tp in 0..k.time_passes {
                    for p in 0..k.planes {
                        let mut words = vec![];
                        for ky in 0..k.kernel {
                            for kx in 0..k.kernel {
                                let (Some(y), Some(x)) =
                                    (inside(oy, ky, k.top(), k.in_hw[0]), inside(ox, kx, k.pad, k.in_hw[1]))
                                else {
                                    continue;
                                };
                                for g in 0..k.groups_in {
                                    let word = y * k.in_hw[1] + x + g * source_group + tp * source_time;
                                    let word = word + image * k.source_image;
                                    let tap = (og * k.kernel + ky) * k.kernel + kx;
                                    words.push((source_base + word, weight_base + tap * k.groups_in + g));
                                }
                            }
                        }
                        let count = words.len();
                        for (i, (address, weight)) in words.into_iter().enumerate() {
                            let (start, top) = (i == 0, p == 0 && k.signed_top);
                            let last = i + 1 == count && p + 1 == k.planes;
                            let pixel = oy * k.out_hw[1] + ox;
                            let map = channel / array.ci * k.images + image;
                            let flags = [
                                start && p == 0,
                                start && p > 0,
                                top && !k.plane_sum,
                                top && k.plane_sum,
                                last,
                                tp == 0,
                                tp + 1 == k.time_passes,
                                pixel == 0,
                                last && tp + 1 == k.time_passes
                                    && pixel + 1 == k.out_hw[0] * k.out_hw[1]
                                    && image + 1 == k.images
                                    && og + 1 == k.groups_out,
                            ];
                            out.push(Issue {
                                address,
                                weight,
                                plane: if k.stream { k.planes - 1 - p } else { p },
                                flags,
                                opens: start && p == 0 && tp == 0 && pixel == 0 && image == 0,
                                place: [
                                    map * out_group + tp * out_time + pixel,
                                    channel / array.ci * out_time + pixel,
                                    map,
                                    channel % array.ci / array.post,
                                    param_base + channel / array.post,
                                ],
                                finished: flags[8],
                            });
                        }
                    }
                }
            }
        }
    }
    out
}

fn configure(p: &mut Pixels, w: &mut Window, k: &Layer) {
    let [source_base, weight_base, param_base] = k.bases.map(|v| v as i128);
    let weight_row = (k.kernel * k.groups_in) as i128;
    set(&mut p.kernel, k.kernel as i128 - 1);
    set(&mut p.stride, k.stride as i128);
    set(&mut p.pad, k.pad as i128);
    set(&mut p.in_h, k.in_hw[0] as i128);
    set(&mut p.in_w, k.in_hw[1] as i128);
    set(&mut p.row_step, (k.stride * k.in_hw[1]) as i128);
    set(&mut p.row_origin, (k.top() * k.in_hw[1]) as i128);
    set(&mut p.source_base, source_base);
    set(&mut p.weight_base, weight_base);
    set(&mut p.weight_group, (k.kernel * k.kernel * k.groups_in) as i128);
    set(&mut p.weight_row, weight_row);
    set(&mut p.groups_in, k.groups_in as i128 - 1);
    set(&mut p.groups_out, k.groups_out as i128 - 1);
    set(&mut p.out_h, k.out_hw[0] as i128 - 1);
    set(&mut p.out_w, k.out_hw[1] as i128 - 1);
    set(&mut p.out_time, k.strides[2] as i128);
    set(&mut p.out_group, k.strides[3] as i128);
    set(&mut p.param_base, param_base);
    if let Some(continues) = p.continues.get_mut() {
        continues.next = k.continues;
    }
    set(&mut p.images, k.images as i128 - 1);
    set(&mut p.source_image, k.source_image as i128);
    set(&mut w.groups_in, k.groups_in as i128 - 1);
    set(&mut w.planes, k.planes as i128 - 1);
    set(&mut w.plane_top, k.planes as i128 - 1);
    w.signed_top.next = k.signed_top;
    set(&mut w.time_passes, k.time_passes as i128 - 1);
    set(&mut w.source_group, k.strides[0] as i128);
    set(&mut w.source_time, k.strides[1] as i128);
    set(&mut w.in_w, k.in_hw[1] as i128);
    set(&mut w.weight_row, weight_row);
    set(&mut w.out_time, k.strides[2] as i128);
    set(&mut w.drain_period, k.drain_period as i128);
    w.is_stream.next = k.stream;
    w.is_plane_sum.next = k.plane_sum;
    w.weights_ready.next = true;
}

/// The wires between the two.
fn connect(p: &mut Pixels, w: &mut Window) {
    sim::settle(p);
    w.pixel_valid.next = p.valid.val();
    w.pixel_address.next = p.address.val();
    w.pixel_weight.next = p.weight.val();
    w.pixel_ky_low.next = p.ky_low.val();
    w.pixel_ky_high.next = p.ky_high.val();
    w.pixel_kx_low.next = p.kx_low.val();
    w.pixel_kx_high.next = p.kx_high.val();
    w.pixel_number.next = p.pixel.val();
    w.pixel_time_offset.next = p.time_offset.val();
    w.pixel_code_offset.next = p.code_offset.val();
    w.pixel_group.next = p.group.val();
    w.pixel_row.next = p.row.val();
    w.pixel_param.next = p.param.val();
    w.pixel_first.next = p.first.val();
    w.pixel_last.next = p.last.val();
    w.pixel_opens.next = p.opens.val();
    sim::settle(w);
    p.take.next = w.take.val();
}

/// `opened`: the pixel claimed its output group's weights when it was taken.
fn issued(w: &Window, opened: bool) -> Issue {
    let n = |v: Value| v.0 as usize;
    let flags = [
        w.first.val(),
        w.twice.val(),
        w.negative_all.val(),
        w.negative_top.val(),
        w.last.val(),
        w.sum.first_time.val().0 == 1,
        w.sum.last_time.val().0 == 1,
        w.sum.first_pixel.val().0 == 1,
        w.finished.val(),
    ];
    Issue {
        address: n(w.address.val()),
        weight: n(w.weight.val()),
        plane: n(w.plane.val()),
        flags,
        opens: opened && w.first.val() && w.sum.first_time.val().0 == 1,
        place: [
            n(w.sum.time_offset.val()),
            n(w.sum.code_offset.val()),
            n(w.sum.group.val()),
            n(w.sum.row.val()),
            n(w.sum.param.val()),
        ],
        finished: w.finished.val(),
    }
}

#[test]
fn every_issued_word_is_the_loop_nests() {
    let (mut stalls, mut layers) = (0, 0);
    for (lanes, ci, co, batch, moves) in
        [(4, 8, 4, 1, false), (1, 1, 1, 1, false), (2, 8, 8, 1, true), (4, 8, 2, 3, false)]
    {
        let array = ArrayConfig { batch, moves, ..ArrayConfig::new(lanes, 1, ci, co).unwrap() };
        let mut rng = Rng((ci * batch) as u64);
        let (mut p, mut w) = (Pixels::new(&array), Window::new());
        let (mut of_pixels, mut of_window) = (Recorder::default(), Recorder::default());
        (p.clear.next, w.clear.next) = (true, true);
        of_pixels.cycle(&mut p, |p| &mut p.clk);
        of_window.cycle(&mut w, |w| &mut w.clk);
        (p.clear.next, w.clear.next) = (false, false);
        for kernel in [1, 2, 3, 5, 8, 4, 1, 7, 6, 3, 1, 2] {
            let layer = Layer::random(kernel, batch, &mut rng);
            let layer = if moves && rng.chance(2, 3) { layer.continued() } else { layer };
            let mut want = loop_nest(&layer, &array).into_iter().peekable();
            if want.len() > 3000 {
                continue;
            }
            layers += 1;
            configure(&mut p, &mut w, &layer);
            p.start.next = true;
            let (mut since_last, mut words, mut before_first, mut idle) = (0, 0, true, 0);
            let mut opened = false;
            while want.peek().is_some() {
                connect(&mut p, &mut w);
                since_last += 1;
                if w.valid.val() {
                    words += 1;
                    assert_eq!(Some(issued(&w, opened)), want.next(), "{layer:?}");
                    if w.last.val() {
                        // No bubble, and exactly the cycles that the post lanes need.
                        assert!(
                            before_first || since_last == words.max(layer.drain_period),
                            "{since_last} {layer:?}"
                        );
                        (since_last, words, before_first) = (0, 0, false);
                    }
                } else {
                    assert!(!w.finished.val() && !w.last.val());
                }
                if w.take.val() {
                    opened = w.claim.val();
                }
                stalls += usize::from(w.stall.val());
                idle += 1;
                assert!(idle < 100_000, "the walk does not end: {layer:?}");
                of_pixels.cycle(&mut p, |p| &mut p.clk);
                of_window.cycle(&mut w, |w| &mut w.clk);
                p.start.next = false;
            }
            for _ in 0..layer.drain_period + 4 {
                connect(&mut p, &mut w);
                assert!(!w.valid.val() && !w.take.val(), "issues behind the layer's end");
                of_pixels.cycle(&mut p, |p| &mut p.clk);
                of_window.cycle(&mut w, |w| &mut w.clk);
            }
        }
        if batch > 1 {
            of_pixels.replay(&p, "pixels_batch");
        }
        if ci == 8 && co == 4 {
            of_pixels.replay(&p, "pixels");
            of_window.replay(&w, "window");
        }
    }
    assert!(stalls > 50 && layers > 20, "{stalls} stalls, {layers} layers");
}
