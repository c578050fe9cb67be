"""Trains the network without spikes that `cifar_train.py --teacher` learns from.

A residual network of nine layers with rectified linear units (half as wide as the usual one), one
cosine after a rise over the first fifth, the augmentation of `cifar_train.py` and a blank square.
DATA is what `cifar_train.py` takes.  Only the training images are learnt from; the accuracy on the
test images is printed and picks nothing.
"""

import argparse
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from colour import MEAN, STD, augment, pictures
from train import accuracy


def layer(cin, cout, pool=False):
    """conv3x3, batch norm, rectification and, where asked, the maximum over 2x2."""
    parts = [nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU()]
    return nn.Sequential(*parts, *([nn.MaxPool2d(2)] if pool else []))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.inner = nn.Sequential(layer(channels, channels), layer(channels, channels))

    def forward(self, x):
        return x + self.inner(x)


class Teacher(nn.Module):
    """Images (B, C, H, W) as `normalise` leaves them -> logits (B, classes)."""

    def __init__(self, channels, classes, width=32):
        super().__init__()
        w = width
        self.register_buffer("mean", torch.tensor(MEAN).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, -1, 1, 1), persistent=False)
        self.body = nn.Sequential(
            layer(channels, w), layer(w, 2 * w, True), Residual(2 * w), layer(2 * w, 4 * w, True),
            layer(4 * w, 8 * w, True), Residual(8 * w),
        )  # fmt: skip
        self.head = nn.Linear(8 * w, classes)

    def normalise(self, images):
        return (images.float() / 255 - self.mean) / self.std

    def forward(self, x):
        return 0.125 * self.head(self.body(x).amax((2, 3)))


def blank(x, side, draw):
    """Sets one square of each image to the mean colour."""
    n, _, h, w = x.shape
    top = torch.randint(0, h - side + 1, (n, 1), generator=draw)
    left = torch.randint(0, w - side + 1, (n, 1), generator=draw)
    rows, columns = torch.arange(h), torch.arange(w)
    inside = ((rows >= top) & (rows < top + side))[:, None, :, None] & ((columns >= left) & (columns < left + side))[:, None, None, :]
    return x.masked_fill(inside, 0)


def load(path):
    """A teacher of three colours and ten classes as `main` wrote it, in eval mode, and how it was made."""
    with safe_open(path, "pt") as file:
        weights, record = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()["made"]
    model = Teacher(3, 10)
    model.load_state_dict(weights)
    return model.eval().to(memory_format=torch.channels_last), record


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder with train/CLASS/ and test/CLASS/")
    parser.add_argument("out", help="safetensors file to write")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, default=0.2)
    parser.add_argument("--decay", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, help="stop every epoch after so many steps (to try the script)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    draw = torch.Generator().manual_seed(0)
    train, test = (pictures(Path(args.data) / part) for part in ("train", "test"))
    model = Teacher(train[0].shape[1], len(train[1].unique())).to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(model.parameters(), args.lr, 0.9, weight_decay=args.decay, nesterov=True)
    compiled = torch.compile(model)
    start = time.time()
    for number in range(args.epochs):
        model.train()
        total = 0.0
        batches = torch.randperm(len(train[0]), generator=draw).split(args.batch)[: -1 if args.steps is None else args.steps]
        for step, batch in enumerate(batches):
            done = (number + step / len(batches)) / args.epochs
            for group in optimiser.param_groups:
                group["lr"] = args.lr * min(done / 0.2, 1, 0.5 * (1 + math.cos(math.pi * max(0, (done - 0.2) / 0.8))))
            x = blank(augment(model.normalise(train[0][batch]), draw), 8, draw).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                logits = compiled(x)
            loss = F.cross_entropy(logits.float(), train[1][batch])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            total += loss.item()
        glance = accuracy(model, *(part[::5] for part in test))
        print(f"epoch {number + 1} loss {total / len(batches):.4f} top1 of every fifth test image {glance:.4f} {time.time() - start:.0f} s", flush=True)
    top1 = accuracy(model, *test)
    print(f"top1 of all {len(test[1])} {top1:.4f}")
    made = f"teacher.py: {args.epochs} epochs, SGD lr {args.lr}, weight decay {args.decay}, batch {args.batch}; top-1 {top1:.4f}; torch {torch.__version__}"
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, args.out, {"made": made})


if __name__ == "__main__":
    main()
