"""Writes GAC-MS-ResNet-18 for CIFAR-10 at the authors' size (12.6 M weights) with random weights, for long runs."""

import argparse

import torch

from model import Config, Gac, save
from random_nets import COLOUR, fill


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", help="file to write")
    parser.add_argument("--timesteps", type=int, default=4)
    parser.add_argument("--classes", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    stages = ((128, 3, 1), (256, 3, 2), (512, 2, 2))
    config = Config(args.timesteps, 64, stages, 4, (3, 32, 32), classes=args.classes, **COLOUR)
    model = fill(Gac(config), torch.Generator().manual_seed(1))
    save(args.out, model, dataset="random bytes", made="cifar18.py, random weights")


if __name__ == "__main__":
    main()
