"""Writes small MS-ResNets built from SpikingJelly's own classes with random weights, and what its forward gives, for tests.

    random_jelly18       `ms_resnet18` of small widths with the library's neuron; a `torch.save` file
    random_jelly34       `ms_resnet34` likewise, T as the library has it; its constants leave the rest to the preset
    random_jelly_stages  `MSResNet` of three stages behind a 3x3 stem, with neurons whose input decays

The network is the library's and runs as it is: a hook reads what every neuron compares (membrane less threshold), the stem's
output and the spikes. Weights are float32, the forward is float64. Seeds are tried in turn until all populations fire and no
membrane is within rounding of its threshold.
"""

import argparse
import json

import torch
from safetensors.torch import save_file
from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.model.ms_resnet import MSResNet, ms_resnet18, ms_resnet34
from torch import nn

from random_nets import pictures

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CIFAR = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
# Name: how it is built, image, mean and deviation, the strides of stem and stages, and what its constants say if not all.
NETS = {
    "random_jelly18": (
        lambda: ms_resnet18(T=4, num_classes=7, base_channels=4, stage_channels=(6, 7, 9, 11)),
        (3, 40, 37),
        IMAGENET,
        (2, 2, 2, 2, 2),
        (),
    ),
    "random_jelly34": (
        lambda: ms_resnet34(num_classes=5, base_channels=4, stage_channels=(4, 5, 6, 8)),
        (3, 33, 36),
        IMAGENET,
        (2, 2, 2, 2, 2),
        ("input",),
    ),
    "random_jelly_stages": (
        lambda: MSResNet(
            T=3,
            num_classes=6,
            layers=(2, 1, 1),
            base_channels=5,
            stem_kernel_size=3,
            stem_stride=1,
            tau=2.0,
            decay_input=True,
            v_threshold=0.75,
        ),
        (3, 11, 14),
        CIFAR,
        (1, 2, 2, 2),
        (),
    ),
}


def neurons(model):
    """The library's neurons in the order of the network."""
    return [module for module in model.modules() if isinstance(module, neuron.LIFNode)]


def factor(node):
    """Of a membrane whose input is not divided by tau to the library's: its threshold grows with it."""
    return node.tau if node.decay_input else 1.0


def threshold(model):
    """Of all its neurons, in the unit of a membrane whose input is not divided."""
    node = neurons(model)[0]
    return node.v_threshold * factor(node)


def fires_at_threshold(model):
    """Whether its neurons fire where the membrane equals the threshold."""
    node = neurons(model)[0]
    node.reset()
    spike = node(torch.full((1, 1), threshold(model), dtype=torch.float64))
    node.reset()
    return bool(spike.item())


def normalised(images, mean, std):
    mean, std = (torch.tensor(values, dtype=torch.float64).view(-1, 1, 1) for values in (mean, std))
    return (images.double() / 255 - mean) / std


def fill(model, images, generator):
    """Random weights; statistics near those of normalised `images`, with other means and deviations by channel."""

    def normal(shape, deviation):
        return torch.randn(shape, generator=generator, dtype=torch.float64) * deviation

    def uniform(shape, low, high):
        return torch.rand(shape, generator=generator, dtype=torch.float64) * (high - low) + low

    level = threshold(model)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() >= 2:
                parameter.copy_(normal(parameter.shape, (2 / parameter[0].numel()) ** 0.5))
        for norm in norms:
            sign = torch.where(uniform(norm.weight.shape, 0, 1) < 0.25, -1.0, 1.0)
            norm.weight.copy_(sign * uniform(norm.weight.shape, 0.6, 1.4) * level)
            norm.bias.copy_(uniform(norm.bias.shape, -0.4, 0.4) * level)
            norm.momentum = 1.0
        model.train()(images)
        functional.reset_net(model)
        for norm in norms:
            norm.running_mean.add_(normal(norm.running_mean.shape, 0.2) * norm.running_var.sqrt())
            norm.running_var.mul_(uniform(norm.running_var.shape, 0.6, 1.6))
        model.head.bias.copy_(normal(model.head.bias.shape, 0.05))
    # What the file holds, exactly.
    return model.float().double().eval()


def compute(model, images):
    """The library's float64 results of normalised images; tensors as in vectors.py, image-major."""
    compared, spikes, stem = [], [], []
    nodes = neurons(model)
    hooks = [model.stem.register_forward_hook(lambda _, args, out: stem.append(out[0]))]
    for node in nodes:
        hooks.append(node.surrogate_function.register_forward_pre_hook(lambda _, args: compared.append(args[0])))
        hooks.append(node.register_forward_hook(lambda _, args, out: spikes.append(out)))
    functional.reset_net(model)
    with torch.no_grad():
        logits = model(images)
    functional.reset_net(model)
    for hook in hooks:
        hook.remove()
    steps, count = model.T, len(nodes)
    if len(compared) != steps * count or len(spikes) != count or any(c.dtype != torch.float64 for c in compared):
        raise SystemExit("this version of SpikingJelly steps its neurons in another way")
    distances = [torch.stack(compared[at * steps : (at + 1) * steps]) * factor(node) for at, node in enumerate(nodes)]
    tensors = {
        "logits": logits,
        "spike_counts": torch.stack([s.sum((0, 2, 3, 4)) for s in spikes], 1).to(torch.int32),
        "margin": torch.stack([d.abs().amin((0, 2, 3, 4)) for d in distances], 1),
        "X": stem[0].float(),
    }
    for at, distance in enumerate(distances):
        tensors[f"u.{at}"] = (distance + threshold(model)).transpose(0, 1).float().contiguous()
    rates = [s.mean().item() for s in spikes]
    usable = all(0.05 <= rate <= 0.6 for rate in rates) and tensors["margin"].min() > 1e-6
    return tensors, usable and len(logits.argmax(1).unique()) > 1, rates


def constants(model, image, mean, std, strides):
    """What no tensor carries, in the words of the TOML file."""
    return {
        "preset": "custom",
        "T": model.T,
        "leak": round(1 - 1 / neurons(model)[0].tau, 12),
        "threshold": threshold(model),
        "fire": ">=" if fires_at_threshold(model) else ">",
        "strides": list(strides[1:]),
        "stem_stride": strides[0],
        "input": list(image),
        "mean": list(mean),
        "std": list(std),
        "last_lif": True,
        "pool": "none",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="folder to write to")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name, (build, image, (mean, std), strides, said) in NETS.items():
        for seed in range(1, 1000):
            generator = torch.Generator().manual_seed(seed)
            torch.manual_seed(seed)
            model = build().double()
            fill(model, normalised(pictures(64, image, generator), mean, std), generator)
            images = pictures(2, image, generator)
            tensors, usable, rates = compute(model, normalised(images, mean, std))
            if usable:
                break
        else:
            raise SystemExit(f"{name}: no seed below 1000 gives a usable network")
        state = model.float().state_dict()
        if said:
            file = f"{name}.safetensors"
            save_file(state, f"{args.out}/{file}")
        else:
            file = f"{name}.pth"
            torch.save(dict(state), f"{args.out}/{file}")
        fields = constants(model, image, mean, std, strides)
        lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items() if key in (said or fields)]
        with open(f"{args.out}/{name}.toml", "w") as toml:
            toml.write("\n".join(lines) + "\n")
        record = {"model": file, "computed_in": "float64", "images": "tensor 'images', uint8"}
        tensors |= {"images": images}
        save_file(tensors, f"{args.out}/{name}_vectors.safetensors", metadata={"vectors": json.dumps(record)})
        membranes = torch.cat([tensors[f"u.{at}"].flatten() for at in range(len(rates))])
        near = ((membranes - threshold(model)).abs() <= 1e-4).sum().item()
        print(f"{name}: seed {seed}, {near} of {len(membranes)} membranes within 1e-4 of the threshold; rates", end=" ")
        print([round(rate, 2) for rate in rates])


if __name__ == "__main__":
    main()
