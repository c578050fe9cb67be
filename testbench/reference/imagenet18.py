"""Writes GAC-MS-ResNet-18 for ImageNet at the authors' size (11.8 M parameters) with random weights, for long runs."""

import argparse

import torch

from model import Config
from random_nets import fill, pictures
from variants import IMAGENET, Form, Variant, store


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", help="folder to write imagenet18.pth and imagenet18.toml to")
    args = parser.parse_args()
    torch.set_num_threads(1)
    stages = ((64, 2, 2), (128, 2, 2), (256, 2, 2), (512, 2, 2))
    config = Config(4, 64, stages, 4, (3, 224, 224), 1000, **IMAGENET)
    generator = torch.Generator().manual_seed(1)
    model = Variant(config, Form(stem=(7, 2), pth=True))
    store(args.out, "imagenet18", fill(model, generator, pictures(2, config.input, generator)))


if __name__ == "__main__":
    main()
