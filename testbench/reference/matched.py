"""Writes GAC-MS-ResNet-18 for CIFAR at the authors' size (12.6 M weights) whose spikes follow those of a trained network.

STATISTICS is what `spikegate eval --statistics` wrote of the trained network, DATA a folder with train/CLASS/*.jpg.
Weights are random, but pictures are real, so neighbouring pixels, timesteps and channels hang together.  Layer
after layer, every channel's batch norm is then moved until the share of its T-words with a spike is the one of
the trained population in the same place: the trained channels' shares in rising order, stretched to the wider
layer, dealt out in random order.  One factor a layer (the deviation of what a neuron receives) brings the mean
number of spikes in such a word to the trained one.  The network classifies nothing: it is there to measure what
follows from spikes alone (cycles with zero-skipping, energy, balance between slots).
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from colour import MEAN, STD, pictures
from model import Config, Gac, save

SAMPLES = 4096  # values of a channel that thresholds are fitted to
FACTORS = np.geomspace(0.05, 8, 28)  # deviations that are tried


class Target:
    """What a population is to do: the share of T-words with a spike, by channel, and the spikes in each of them."""

    def __init__(self, found, channels, timesteps, draw):
        shares = np.sort(found["words_of_channel"])
        places = np.interp(np.linspace(0, len(shares) - 1, channels), np.arange(len(shares)), shares)
        self.shares = torch.tensor(places[torch.randperm(channels, generator=draw).numpy()], dtype=torch.float32)
        fired, words = (found[kind]["n"] / found[kind]["of"] for kind in ("fired", "words"))
        self.spikes = fired * timesteps / words  # in a T-word that has any


def sampled(values, draw):
    """(T, B, C, H, W) -> (T, C, SAMPLES) of random places, the same at all timesteps and of all tensors of one draw."""
    flat = values.permute(0, 2, 1, 3, 4).flatten(2)
    places = torch.randint(0, flat.shape[2], (SAMPLES,), generator=torch.Generator().manual_seed(draw))
    return flat[:, :, places]


def offsets(lif, fixed, moved, target):
    """Offset of every channel at which as many of its T-words have a spike as the target says, and the spikes in them."""
    low = torch.full((moved.shape[1],), -30.0)
    high = -low
    for _ in range(24):
        middle = (low + high) / 2
        spikes = lif(fixed + moved + middle[:, None])
        more = spikes.amax(0).mean(1) < target.shares
        low, high = torch.where(more, middle, low), torch.where(more, high, middle)
    spikes = lif(fixed + moved + middle[:, None])
    return middle, (spikes.sum() / spikes.amax(0).sum().clamp(min=1)).item()


def fit(lif, norm, fixed, made, target, draw):
    """Sets a batch norm so that LIF(fixed + norm(made)) follows the target; `made` is (T, B, C, H, W)."""
    deviation, mean = torch.std_mean(made, (0, 1, 3, 4), correction=0)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(deviation**2)
    unit = sampled((made - mean[:, None, None]) / deviation.clamp(min=1e-6)[:, None, None], draw)
    fixed = sampled(fixed, draw) if torch.is_tensor(fixed) else fixed
    found = [(factor, *offsets(lif, fixed, factor * unit, target)) for factor in FACTORS]
    factor, offset, _ = min(found, key=lambda one: abs(one[2] - target.spikes))
    norm.weight.fill_(factor)
    norm.bias.copy_(offset)


def stem(model, images, target, draw):
    """Sets the encoder so that the first block's LIF follows its target; Y (T, B, C, H, W)."""
    made = model.conv1(images)
    deviation, mean = torch.std_mean(made, (0, 2, 3), correction=0)
    norm = model.bn1.bn
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(deviation**2)
    second = model.encoding.TA.sharedMLP[2].weight
    steps = model.cfg.T

    def encode():
        x = model.bn1(made)
        return x, model.encoding.TA(x), model.encoding.SCA(x)

    def attention(sca, ta):
        return torch.sigmoid(ta[:, :, None, None, None] * sca)

    # TA of about 2 at every timestep, SCA of deviation 2 in every channel, positive in the mean: gates that are open,
    # shut and in between.
    _, ta, sca = encode()
    second.mul_((2 / ta.mean(1)).view(steps, 1, 1, 1, 1))
    last = model.encoding.SCA.sharedMLP[2].weight
    last.mul_((2 / sca.std((0, 2, 3)) * sca.mean((0, 2, 3)).sign())[:, None, None, None])
    for _ in range(12):  # offsets move the gate, which they are fitted behind
        x, ta, sca = encode()
        gate = sampled(attention(sca, ta), draw)
        plain = sampled(x.expand(steps, *x.shape), draw) - norm.bias[:, None]
        low, high = torch.full((x.shape[1],), -4.0), torch.full((x.shape[1],), 12.0)
        for _ in range(20):
            middle = (low + high) / 2
            spikes = model.lif(gate * model.lif(plain + middle[:, None]))
            more = spikes.amax(0).mean(1) < target.shares
            low, high = torch.where(more, middle, low), torch.where(more, high, middle)
        norm.bias.add_(0.5 * (middle - norm.bias))
    x, ta, sca = encode()
    return attention(sca, ta) * model.lif(x.expand(steps, *x.shape))


def places(model, found):
    """What the two LIFs of each block follow, in the order of the blocks: the trained population that the convolution in the
    same place reads."""
    trained = {one["layer"]: one for one in found["spikes"]}

    def of(stage, block, conv):
        # A later block reads the stream of its own stage, which in a shallower network the next stage's first reads.
        names = [f"layer{stage}.{block}.conv{conv}"]
        if block and conv == 1:
            names += [f"layer{stage + 1}.0.conv1"]
        names += [f"layer{stage}.0.conv{conv}"]
        return next(trained[name] for name in names if name in trained)

    for stage, (_, blocks, _) in enumerate(model.cfg.stages, 1):
        for block in range(blocks):
            yield of(stage, block, 1), of(stage, block, 2)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("statistics")
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--timesteps", type=int, default=4)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--images", type=int, default=32, help="pictures that the network is fitted to")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


@torch.no_grad()
def main():
    args = arguments()
    draw = torch.Generator().manual_seed(args.seed)
    all_images, _ = pictures(Path(args.data) / "train")
    images = all_images[torch.randperm(len(all_images), generator=draw)[: args.images]]
    stages = ((128, 3, 1), (256, 3, 2), (512, 2, 2))
    model = Gac(Config(args.timesteps, 64, stages, 4, (3, 32, 32), args.classes, mean=MEAN, std=STD)).eval()
    for parameter in model.parameters():
        if parameter.dim() >= 2:
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * (2 / parameter[0].numel()) ** 0.5)
    for weight in (model.encoding.TA.sharedMLP[at].weight for at in (0, 2)):
        weight.abs_()  # a positive attention, which `stem` brings to its size
    wanted = list(places(model, json.loads(Path(args.statistics).read_text())))

    def target(found, norm):
        return Target(found, norm.num_features, args.timesteps, draw)

    blocks = list(model.blocks())
    stream = stem(model, model.normalise(images), target(wanted[0][0], model.bn1.bn), 0)
    for at, (block, (_, second)) in enumerate(zip(blocks, wanted)):
        flat = lambda layer, x: layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        made = flat(block.conv1, block.lif(stream))
        fit(block.lif, block.bn1.bn, 0.0, made, target(second, block.bn1.bn), 2 * at + 1)
        made = flat(block.conv2, block.lif(flat(block.bn1, made)))
        shortcut = stream
        if block.downsample is not None:
            straight = flat(block.downsample.layer.module, stream)
            norm = block.downsample.bn.bn
            deviation, mean = torch.std_mean(straight, (0, 1, 3, 4), correction=0)
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(deviation**2)
            norm.weight.fill_(0.5)
            shortcut = flat(block.downsample.bn, straight)
        following = wanted[at + 1][0] if at + 1 < len(wanted) else wanted[at][0]  # the last LIF goes on as the stage did
        fit(block.lif, block.bn2.bn, shortcut, made, target(following, block.bn2.bn), 2 * at + 2)
        stream = flat(block.bn2, made) + shortcut
        print(f"block {at + 1} of {len(blocks)}", flush=True)
    made = f"matched.py: random weights, spikes as in {Path(args.statistics).name}, {args.images} pictures, seed {args.seed}; torch {torch.__version__}"
    save(args.out, model, dataset="none: classifies nothing", made=made)


if __name__ == "__main__":
    main()
