"""Writes networks with random weights that use one option each, for runs at the size of the demo.

Each has the demo network's stages and batch-norm statistics of real Fashion-MNIST images, so that
populations fire as in a trained network.  `odd` also writes `odd-images.idx`, the test images cut to
27x25, and `odd` and `narrow` have widths that divide no array.
"""

import argparse
import struct
from dataclasses import replace

import torch

from idx import split
from model import Config, Gac, save
from random_nets import fill

DEMO = Config()
NETS = {
    "t2": replace(DEMO, T=2),
    "t3": replace(DEMO, T=3),
    "t9": replace(DEMO, T=9),
    "leak": replace(DEMO, leak=0.25, threshold=0.5),
    "ge": replace(DEMO, fire=">="),
    "k8": replace(DEMO, K=8),
    "odd": replace(DEMO, input=(1, 27, 25), stem=13, stages=((29, 1, 2), (50, 1, 2))),
    "narrow": replace(DEMO, stem=5, stages=((7, 2, 1), (11, 1, 2))),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder with the Fashion-MNIST files")
    parser.add_argument("out", help="folder to write to")
    args = parser.parse_args()
    torch.set_num_threads(1)
    train, test = (split(args.data, part)[0] for part in ("train", "t10k"))
    for name, cfg in NETS.items():
        _, h, w = cfg.input
        model = fill(Gac(cfg), torch.Generator().manual_seed(1), train[:64, :, :h, :w])
        save(f"{args.out}/{name}.safetensors", model, dataset="Fashion-MNIST", made="option_nets.py, random weights")
    _, h, w = NETS["odd"].input
    cut = test[:1000, 0, :h, :w].contiguous()
    with open(f"{args.out}/odd-images.idx", "wb") as file:
        file.write(b"\0\0\x08\x03" + struct.pack(">3I", *cut.shape) + cut.numpy().tobytes())


if __name__ == "__main__":
    main()
