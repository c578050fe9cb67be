"""Writes small networks of the other forms with random weights, and their reference results, for tests.

    random_imagenet          ImageNet form: 7x7 stem of stride 2, stride 2 in every stage, leak 1/4, threshold 1/2;
                             a `torch.save` file with the keys of the authors' ImageNet code under `module.`
    random_direct            direct coding: no encoder, the stem's output enters the first block at every step
    random_direct_imagenet   both, and no LIF before the pooling: the mean of the stream is classified; `torch.save`

Constants of the `torch.save` files lie beside them as TOML. Seeds are tried in turn until all populations fire and no
membrane is within rounding of its threshold.
"""

import argparse
import os
from dataclasses import asdict, dataclass

import torch
from torch import nn

from model import Config, Gac, save
from random_nets import COLOUR, fill, pictures
from vectors import populations, write

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "leak": 0.25, "threshold": 0.5}


@dataclass(frozen=True)
class Form:
    """What a Config does not say."""

    encoder: bool = True
    last_lif: bool = True
    stem: tuple = (3, 1)  # kernel, stride
    pth: bool = False


NETS = {
    "random_imagenet": (
        Config(4, 6, ((6, 2, 2), (9, 1, 2)), 4, (3, 38, 35), 7, **IMAGENET),
        Form(stem=(7, 2), pth=True),
    ),
    "random_direct": (Config(4, 7, ((7, 1, 1), (9, 1, 2)), 4, (3, 12, 11), **COLOUR), Form(encoder=False)),
    "random_direct_imagenet": (
        Config(3, 5, ((8, 1, 2), (9, 1, 2)), 4, (3, 30, 33), 6, **IMAGENET),
        Form(False, False, (7, 2), True),
    ),
}


class Variant(Gac):
    """`Gac` in another form; the same tensors in `trace`."""

    def __init__(self, cfg, form):
        super().__init__(cfg)
        self.form = form
        kernel, stride = form.stem
        self.conv1 = nn.Conv2d(cfg.input[0], cfg.stem, kernel, stride, (kernel - 1) // 2, bias=False)

    def forward(self, image, trace=None):
        populations = None if trace is None else []
        x = self.bn1(self.conv1(image))
        stream = x.expand(self.cfg.T, *x.shape)
        if trace is not None:
            trace.update(X=x, lif=populations)
        if self.form.encoder:
            spikes = self.lif(stream, populations)
            ta, sca = self.encoding.TA(x), self.encoding.SCA(x)
            stream = torch.sigmoid(ta[:, :, None, None, None] * sca) * spikes
            if trace is not None:
                trace.update(sca=sca, ta=ta, y=stream)
        for block in self.blocks():
            stream = block(stream, populations)
        if self.form.last_lif:
            stream = self.lif(stream, populations)
        return self.fc1(stream.mean((0, 3, 4)))


def imagenet_key(key):
    """The key of the authors' ImageNet code, as DistributedDataParallel saves it."""
    key = key.replace(".downsample.layer.module.", ".shortcut.0.").replace(".downsample.bn.", ".shortcut.1.")
    if key.startswith("layer"):
        number, rest = key[len("layer") :].split(".", 1)
        key = f"conv{int(number) + 1}_x.{rest}"
    elif key.startswith("bn1."):
        key = f"conv1.1.{key[len('bn1.') :]}"
    elif key == "conv1.weight":
        key = "conv1.0.weight"
    return f"module.{key}"


def store(out, name, model):
    """The network's file, and its constants where the file has none."""
    cfg, form = model.cfg, model.form
    os.makedirs(out, exist_ok=True)
    if not form.encoder:
        del model.encoding
    if not form.pth:
        save(f"{out}/{name}.safetensors", model, made="variants.py")
        return f"{name}.safetensors"
    torch.save({imagenet_key(key): value for key, value in model.state_dict().items()}, f"{out}/{name}.pth")
    own = asdict(cfg)
    lines = [f"T = {cfg.T}", f"leak = {cfg.leak}", f"threshold = {cfg.threshold}", f'fire = "{cfg.fire}"']
    lines += [f"{key} = {list(own[key])}" for key in ("input", "mean", "std")]
    lines += [f"strides = {[stride for _, _, stride in cfg.stages]}", f"stem_stride = {form.stem[1]}"]
    lines += ['preset = "imagenet"', f"last_lif = {str(form.last_lif).lower()}"]
    with open(f"{out}/{name}.toml", "w") as file:
        file.write("\n".join(lines) + "\n")
    return f"{name}.pth"


def compute(model, images):
    """Float64 results of uint8 images (N, C, H, W); tensors as in vectors.py, image-major."""
    outcome = {}
    with torch.no_grad():
        logits = model(model.normalise(images), outcome)
    lif = outcome["lif"]
    tensors = {
        "logits": logits,
        "spike_counts": torch.stack([s.sum((0, 2, 3, 4)) for _, s in lif], 1).to(torch.int32),
        "margin": torch.stack([(u - model.cfg.threshold).abs().amin((0, 2, 3, 4)) for u, _ in lif], 1),
        "X": outcome["X"].float(),
    }
    steps = {f"u.{number}": u for number, (u, _) in enumerate(lif)}
    if model.form.encoder:
        tensors["sca"] = outcome["sca"].float()
        steps |= {"ta": outcome["ta"], "y": outcome["y"]}
    for name, value in steps.items():
        tensors[name] = value.transpose(0, 1).float().contiguous()
    rates = [s.mean().item() for _, s in lif]
    return tensors, all(0.05 <= rate <= 0.5 for rate in rates) and tensors["margin"].min() > 1e-6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="folder to write to")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name, (cfg, form) in NETS.items():
        for seed in range(1, 1000):
            generator = torch.Generator().manual_seed(seed)
            model = fill(Variant(cfg, form), generator)
            images = pictures(2, cfg.input, generator)
            tensors, usable = compute(model.double(), images)
            if usable:
                break
        else:
            raise SystemExit(f"{name}: no seed below 1000 gives a usable network")
        file = store(args.out, name, model.float())
        tensors |= {"images": images}
        about = "tensor 'images', uint8"
        names = populations(cfg)[0 if form.encoder else 1 : None if form.last_lif else -1]
        vectors = f"{args.out}/{name}_vectors.safetensors"
        write(vectors, file, cfg, tensors, images=about, detail_images=[0, 1], populations=names)
        print(name, "seed", seed)


if __name__ == "__main__":
    main()
