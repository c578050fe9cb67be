"""Writes a tiny network with gated attention and random weights, and random images for it.

Every unit of the core is at work in it, and an image takes few cycles: what counts here are transfers, not accuracy.
"""

import json
import random
import struct

IMAGE = (3, 6, 5)
TIMESTEPS, STEM, KERNEL, CLASSES = 4, 4, 4, 5
STAGES = ((4, 2, 1), (6, 1, 2))  # channels, blocks, stride


def tensors(draw):
    """The authors' keys, each with its shape and values."""
    out = {}

    def normal(name, *shape):
        fan_in = 1
        for size in shape[1:]:
            fan_in *= size
        values = [draw.gauss(0, (2 / fan_in) ** 0.5) for _ in range(shape[0] * fan_in)]
        out[name] = (shape, values)

    def norm(name, channels, variance):
        def between(low, high):
            return ((channels,), [draw.uniform(low, high) for _ in range(channels)])

        out[f"{name}.bn.weight"] = between(0.8, 1.4)
        out[f"{name}.bn.bias"] = between(-0.2, 0.4)
        out[f"{name}.bn.running_mean"] = between(-0.3, 0.3)
        out[f"{name}.bn.running_var"] = between(0.5 * variance, variance)

    normal("conv1.weight", STEM, IMAGE[0], 3, 3)
    norm("bn1", STEM, 2)
    normal("encoding.TA.sharedMLP.0.weight", 2, TIMESTEPS, 1, 1, 1)
    normal("encoding.TA.sharedMLP.2.weight", TIMESTEPS, 2, 1, 1, 1)
    normal("encoding.SCA.sharedMLP.0.weight", STEM, STEM, KERNEL, KERNEL)
    normal("encoding.SCA.sharedMLP.2.weight", STEM, STEM, KERNEL, KERNEL)
    before = STEM
    for stage, (channels, blocks, stride) in enumerate(STAGES, 1):
        for block in range(blocks):
            name = f"layer{stage}.{block}"
            normal(f"{name}.conv1.weight", channels, before, 3, 3)
            norm(f"{name}.bn1", channels, 0.6)
            normal(f"{name}.conv2.weight", channels, channels, 3, 3)
            norm(f"{name}.bn2", channels, 0.6)
            if block == 0 and (stride != 1 or before != channels):
                normal(f"{name}.downsample.layer.module.weight", channels, before, 1, 1)
                norm(f"{name}.downsample.bn", channels, 1)
            before = channels
    normal("fc1.weight", CLASSES, before)
    normal("fc1.bias", CLASSES)
    return out


def write_model(path, seed):
    """A safetensors file: length of the header, header, values."""
    constants = {
        "preset": "cifar", "T": TIMESTEPS, "leak": 0.5, "threshold": 1.0, "fire": ">", "input": IMAGE,
        "mean": [0.5] * 3, "std": [0.2] * 3, "strides": [stride for _, _, stride in STAGES],
        "dataset": "random bytes", "made": f"network.py, seed {seed}",
    }
    header, data = {"__metadata__": {"gac": json.dumps(constants)}}, b""
    for name, (shape, values) in tensors(random.Random(seed)).items():
        packed = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    head = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)


def write_images(path, count, seed):
    """A NumPy file of (count, C, H, W) random bytes, every image of another mean; the images."""
    draw = random.Random(seed)
    size = IMAGE[0] * IMAGE[1] * IMAGE[2]
    images = []
    for _ in range(count):
        middle = draw.randrange(40, 216)
        images.append(bytes(min(255, max(0, int(draw.gauss(middle, 60)))) for _ in range(size)))
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {(count, *IMAGE)}, }}"
    head += " " * (63 - (len(head) + 10) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + b"".join(images))
    return images
