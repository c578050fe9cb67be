"""Images per second of the reference in PyTorch, on a CPU: as the authors wrote it, and at its best.

"authors": the image repeated for every time step before the stem, batch norm by itself, channels first.
"best": convolution and batch norm fused, channels last, stem and attention once an image, time in the batch.
Both classify the same. With --design the integer engine runs beside them, on the design compiled from the model, by
`spikegate eval` on random images; it has no batches.

    python speed.py MODEL.safetensors --batch 1 64 --threads 1 2 --design DIR
"""

import argparse
import copy
import os
import subprocess
import tempfile
import time

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model import load


class Authors(nn.Module):
    """The forward pass of the authors' code: every layer sees all time steps, the stem and the attention too."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image):
        m, steps = self.model, self.model.cfg.T
        x = image.repeat(steps, 1, 1, 1)  # (T * B, C, H, W)
        x = m.bn1(m.conv1(x)).unflatten(0, (steps, len(image)))
        spikes = m.lif(x)
        ta = m.encoding.TA(x[0])
        sca = m.encoding.SCA(x.flatten(0, 1)).unflatten(0, (steps, len(image)))
        stream = torch.sigmoid(ta[:, :, None, None, None] * sca) * spikes
        for block in m.blocks():
            stream = block(stream)
        return m.fc1(m.lif(stream).mean((0, 3, 4)))


def fuse(module):
    """Fuses the pairs of convolution and batch norm of the reference in place."""
    for one in module.modules():
        for conv, bn in (("conv1", "bn1"), ("conv2", "bn2")):
            if isinstance(getattr(one, conv, None), nn.Conv2d) and hasattr(getattr(one, bn, None), "bn"):
                setattr(one, conv, fuse_conv_bn_eval(getattr(one, conv), getattr(one, bn).bn))
                setattr(one, bn, nn.Identity())
        if hasattr(one, "layer") and hasattr(one.layer, "module"):
            one.layer.module = fuse_conv_bn_eval(one.layer.module, one.bn.bn)
            one.bn = nn.Identity()


def rate(model, images, seconds=8):
    """Images per second, the best of the runs within some seconds, of one at least; of processor time where there is one
    thread."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    model(images)
    best, end = 0, time.monotonic() + seconds
    while not best or time.monotonic() < end:
        start = clock()
        model(images)
        best = max(best, len(images) / (clock() - start))
    return best


def engine(program, design, shape, threads, seconds=8):
    """Images per second of the integer engine: what twice as many images take more, so that loading does not count."""

    def spent(images):
        command = [program, "eval", "-q", design, "--input", "images.npy", "--threads", str(threads)]
        command += ["--images", str(images), "--format", "json"]
        before, start = os.times(), time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        wall, after = time.perf_counter() - start, os.times()
        return after.children_user - before.children_user if threads == 1 else wall

    program, design = os.path.abspath(program), os.path.abspath(design)
    with tempfile.TemporaryDirectory() as folder:
        images, rates = 16, []
        pixels = np.random.default_rng(1).integers(0, 256, (8 << 12, *shape), dtype=np.uint8)
        np.save(f"{folder}/images.npy", pixels)
        while 4 * images <= len(pixels) and spent(2 * images) - spent(images) < seconds / 8:
            images *= 2
        for _ in range(3):
            rates.append(images / (spent(2 * images) - spent(images)))
    return sorted(rates)[1]


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--design", help="folder compiled from the model, for the integer engine")
    parser.add_argument("--spikegate", default="target/release/spikegate", help="the program")
    args = parser.parse_args()
    reference, _ = load(args.model)
    reference.eval()
    best = copy.deepcopy(reference)
    fuse(best)
    for one in best.modules():
        if isinstance(one, nn.Conv2d):
            one.to(memory_format=torch.channels_last)
    authors = Authors(reference)
    images = reference.normalise(torch.randint(0, 256, (16, *reference.cfg.input), dtype=torch.uint8))
    # Sums in another order turn a spike here and there, and with it a class of random weights.
    same = (authors(images).argmax(1) == best(images).argmax(1)).float().mean()
    if same < 0.75:
        raise SystemExit(f"the two give the same class to {100 * same:.0f} % of the images only")
    for threads in args.threads:
        torch.set_num_threads(threads)
        if args.design:
            own = engine(args.spikegate, args.design, reference.cfg.input, threads)
            print(f"threads {threads}: engine {own:8.1f} images/s", flush=True)
        for batch in args.batch:
            pixels = torch.randint(0, 256, (batch, *reference.cfg.input), dtype=torch.uint8)
            images = reference.normalise(pixels)
            last = images.to(memory_format=torch.channels_last)
            a, b = rate(authors, images), rate(best, last)
            ratio = f", engine {own / a:.1f} and {own / b:.1f} times" if args.design else ""
            print(f"threads {threads} batch {batch:3}: authors {a:8.1f}, best {b:8.1f} images/s{ratio}", flush=True)


if __name__ == "__main__":
    main()
