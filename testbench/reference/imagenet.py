"""Writes GAC-MS-ResNet-18 or 34 for ImageNet at the authors' size with random weights, for long runs."""

import argparse

import torch

from model import Config
from random_nets import fill, pictures
from variants import IMAGENET, Form, Variant, store

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", help="folder to write the model and its constants to")
    parser.add_argument("--depth", type=int, choices=BLOCKS, default=18)
    args = parser.parse_args()
    torch.set_num_threads(1)
    stages = tuple((64 << at, blocks, 2) for at, blocks in enumerate(BLOCKS[args.depth]))
    config = Config(4, 64, stages, 4, (3, 224, 224), 1000, **IMAGENET)
    generator = torch.Generator().manual_seed(1)
    model = Variant(config, Form(stem=(7, 2), pth=True))
    images = pictures(2, config.input, generator)
    store(args.out, f"imagenet{args.depth}", fill(model, generator, images))


if __name__ == "__main__":
    main()
