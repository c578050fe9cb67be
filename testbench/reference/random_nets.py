"""Writes two small networks with random weights, and their reference results, for tests.

They hold what a trained network may lack: an even kernel of 4 and of 8, odd and unequal image sides,
colour input with mean and deviation, negative BN scales, temporal attention of both signs, a stem
whose mean is positive and one whose mean is negative, an identity block first in a stage and one
second, widths that fill no array evenly, both presets' leak and threshold.  Seeds are tried in turn
until `usable` holds.
"""

import argparse

import torch
import torch.nn.functional as F

from model import Bn, Config, Gac, load, save
from vectors import compute, write

COLOUR = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2023, 0.1994, 0.2010)}
NETS = {
    "random_k4": Config(4, 6, ((8, 2, 1), (10, 1, 2)), 4, (3, 13, 11), **COLOUR),
    "random_k8": Config(3, 5, ((7, 1, 1), (7, 1, 1), (9, 1, 2)), 8, (3, 11, 14), 6, 0.25, 0.5, **COLOUR),
}


def pictures(count, shape, generator):
    """Random bytes (count, C, H, W): coarse blobs, their contrast stretched, with fine noise."""
    coarse = torch.rand(count, shape[0], 4, 4, generator=generator)
    smooth = F.interpolate(coarse, shape[1:], mode="bilinear", align_corners=False)
    noise = torch.randn(count, *shape, generator=generator)
    return (128 + 320 * (smooth - 0.5) + 24 * noise).clamp(0, 255).to(torch.uint8)


def fill(model, generator, images=None):
    """Random weights; BN statistics near the ones of `images`, uint8 (N, C, H, W), or of random pictures."""

    def normal(shape, deviation):
        return torch.randn(shape, generator=generator) * deviation

    def uniform(shape, low, high):
        return torch.rand(shape, generator=generator) * (high - low) + low

    threshold = model.cfg.threshold
    norms = [module.bn for module in model.modules() if isinstance(module, Bn)]
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() >= 2:
                parameter.copy_(normal(parameter.shape, (2 / parameter[0].numel()) ** 0.5))
        for layer in (0, 2):
            model.encoding.TA.sharedMLP[layer].weight.mul_(1.5)
        model.fc1.bias.copy_(normal(model.fc1.bias.shape, 0.05))
        for norm in norms:
            sign = torch.where(uniform(norm.weight.shape, 0, 1) < 0.25, -1.0, 1.0)
            norm.weight.copy_(sign * uniform(norm.weight.shape, 0.6, 1.4) * threshold)
            norm.bias.copy_(uniform(norm.bias.shape, -0.4, 0.4) * threshold)
            norm.momentum = 1.0
        if images is None:
            images = pictures(64, model.cfg.input, generator)
        model.train()(model.normalise(images))
        for norm in norms:
            norm.running_mean.add_(normal(norm.running_mean.shape, 0.2) * norm.running_var.sqrt())
            norm.running_var.mul_(uniform(norm.running_var.shape, 0.6, 1.6))
        model.eval()
        model.fc1.bias.sub_(model(model.normalise(images)).mean(0))
    return model


def usable(tensors, positive):
    """Whether rates, margins, labels and the signs of attention and stem are worth testing with."""
    rates = [
        tensors["spike_counts"][:, p].sum().item() / tensors[f"u.{p}"].numel()
        for p in range(tensors["spike_counts"].shape[1])
    ]
    gate = (tensors["ta"][..., None, None, None] * tensors["sca"][:, None]).abs()
    return (
        all(0.05 <= rate <= 0.5 for rate in rates)
        and bool((tensors["ta"] > 0.3).any() and (tensors["ta"] < -0.3).any())
        and bool(((tensors["X"].mean((1, 2, 3)) > 0) == positive).all())
        and 0.5 < gate.mean() < 3
        and tensors["margin"].min() > 1e-6
        and len(tensors["logits"].argmax(1).unique()) > 1
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="folder to write to")
    parser.add_argument("--seed", type=int, default=1, help="first seed to try")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for (name, cfg), positive in zip(NETS.items(), (True, False)):
        seed = args.seed
        while True:
            generator = torch.Generator().manual_seed(seed)
            model = fill(Gac(cfg), generator)
            images = pictures(3, cfg.input, generator)
            path = f"{args.out}/{name}.safetensors"
            save(path, model, dataset="random bytes", made=f"random_nets.py, seed {seed}")
            tensors = compute(load(path)[0].double(), images, len(images))
            if usable(tensors, positive):
                break
            seed += 1
        tensors |= {"images": images, "labels": tensors["logits"].argmax(1)}
        about = "tensor 'images', uint8; 'labels' are this network's own choices"
        write(f"{args.out}/{name}_vectors.safetensors", path, cfg, tensors, images=about, detail_images=[0, 1, 2])
        print(name, "seed", seed, "labels", tensors["labels"].tolist())


if __name__ == "__main__":
    main()
