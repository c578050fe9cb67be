"""Colour pictures in one folder per class, and how they are changed in training."""

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)  # the authors' CIFAR-10 normalisation


def pictures(folder):
    """Images (N, 3, H, W) as bytes and labels (N,), in the order of class and file names."""
    images, labels = [], []
    for label, kind in enumerate(sorted(p for p in Path(folder).iterdir() if p.is_dir())):
        for path in sorted(kind.iterdir()):
            with Image.open(path) as picture:
                images.append(np.asarray(picture.convert("RGB")))
            labels.append(label)
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


def augment(x, draw):
    """Mirrors each image with probability 1/2 and shifts it by up to 4 pixels."""
    n, _, h, w = x.shape
    flip = torch.rand(n, generator=draw) < 0.5
    x = F.pad(torch.where(flip[:, None, None, None], x.flip(3), x), (4, 4, 4, 4))
    dy, dx = torch.randint(0, 9, (2, n), generator=draw)
    rows = (dy[:, None] + torch.arange(h))[:, None, :, None]
    columns = (dx[:, None] + torch.arange(w))[:, None, None, :]
    return x[torch.arange(n)[:, None, None, None], torch.arange(x.shape[1])[None, :, None, None], rows, columns]


def cutmix(x, y, draw):
    """Puts a box of every image's neighbour into it: (images, the neighbours' labels, share that stays)."""
    h, w = x.shape[2:]
    share = torch.rand((), generator=draw).item()
    bh, bw = int(h * math.sqrt(1 - share)), int(w * math.sqrt(1 - share))
    top = torch.randint(0, h - bh + 1, (), generator=draw)
    left = torch.randint(0, w - bw + 1, (), generator=draw)
    x = x.clone()
    x[:, :, top : top + bh, left : left + bw] = x.roll(1, 0)[:, :, top : top + bh, left : left + bw]
    return x, y.roll(1, 0), 1 - bh * bw / (h * w)
