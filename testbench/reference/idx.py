"""Reader of the IDX files in which MNIST and Fashion-MNIST are distributed (gzip-compressed)."""

import gzip
import struct
from pathlib import Path

import numpy as np
import torch


def read(path):
    """One IDX file of unsigned bytes -> uint8 array with the shape in its header."""
    data = gzip.decompress(Path(path).read_bytes())
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape).copy()


def split(folder, part):
    """`part` is "train" or "t10k": (images uint8 (N, 1, H, W), labels int64 (N,))."""
    images = torch.from_numpy(read(f"{folder}/{part}-images-idx3-ubyte.gz")).unsqueeze(1)
    labels = torch.from_numpy(read(f"{folder}/{part}-labels-idx1-ubyte.gz")).long()
    return images, labels
