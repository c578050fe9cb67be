"""Gated Attention Coding (GAC) spiking network, CIFAR form, as a PyTorch reference.

Source: Qiu, Zhu, Chou, Wang, Deng, Li, "Gated Attention Coding for Training High-performance and
Efficient Spiking Neural Networks", AAAI-24 vol 38(1) pp 601-610, and the authors' code
(github bollossom/GAC: CODE/CIFAR/models/{GAU,layers,MS_ResNet}.py).  Where the paper's figures and
the code differ, this file follows the code.

    X     = BN(conv3x3(image))                      real, the same at every time step
    S[t]  = LIF(X)[t]                               stem spikes, 0 or 1
    TA[t] = W2 relu(W1 mean(X)) + W2 relu(W1 max(X))   one signed number per time step
    SCA   = conv_KxK(relu(conv_KxK(X)))             'same' padding: K-1 zeros, (K-1)//2 of them top/left
    Y[t]  = sigmoid(TA[t] * SCA) * S[t]             input of the residual stream
    block = BN2(conv3x3(LIF(BN1(conv3x3(LIF(x)))))) + shortcut(x)
    logit = fc(mean over T, H, W of LIF(x))

A shortcut is the identity, or BN(conv1x1(x)) on the real-valued stream with no LIF before it.
Every LIF starts from zero for each image:

    u[t] = leak * (1 - s[t-1]) * u[t-1] + x[t];   s[t] = u[t] > threshold      (hard reset to 0)

Shapes: T time steps, B images, C channels, H rows, W columns.  Images are (B, C, H, W), everything
with a time axis is time-major, (T, B, C, H, W).  Membranes and thresholds share one unit (1.0 = the
authors' CIFAR threshold); there is no other physical unit here.
"""

import json
from dataclasses import asdict, dataclass

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn


@dataclass(frozen=True)
class Config:
    """Everything that decides the network's meaning, apart from its weights."""

    T: int = 4
    stem: int = 16
    stages: tuple = ((32, 1, 2), (64, 1, 2))  # (channels, blocks, stride of block 0)
    K: int = 4
    input: tuple = (1, 28, 28)  # (C, H, W)
    classes: int = 10
    leak: float = 0.5
    threshold: float = 1.0
    fire: str = ">"  # or ">="
    mean: tuple = (0.0,)  # per input channel, subtracted from pixel / 255
    std: tuple = (1.0,)

    def metadata(self, **extra):
        """The file's "gac" record: what cannot be read from the weights' shapes, and `extra`."""
        own = asdict(self)
        keep = ("T", "leak", "threshold", "fire", "input", "mean", "std")
        strides = [stride for _, _, stride in self.stages]
        return {"preset": "cifar", **{k: own[k] for k in keep}, "strides": strides, **extra}


class SpikeFunction(torch.autograd.Function):
    """Heaviside step forward; triangle max(0, 1 - |u - threshold|) backward (the authors' surrogate)."""

    @staticmethod
    def forward(ctx, u, threshold, equal):
        ctx.save_for_backward(u)
        ctx.threshold = threshold
        return (u >= threshold if equal else u > threshold).to(u.dtype)

    @staticmethod
    def backward(ctx, grad):
        (u,) = ctx.saved_tensors
        return grad * (1 - (u - ctx.threshold).abs()).clamp(min=0), None, None


class Lif(nn.Module):
    """Leaky integrate-and-fire population without parameters; (T, B, C, H, W) -> spikes, same shape.

    `trace`, when given, receives the pair (membrane before the compare, spikes).
    """

    def __init__(self, cfg):
        super().__init__()
        self.leak, self.threshold, self.equal = cfg.leak, cfg.threshold, cfg.fire == ">="

    def forward(self, x, trace=None):
        membranes, spikes = [], []
        u = s = torch.zeros_like(x[0])
        for step in x:
            u = self.leak * u * (1 - s) + step
            s = SpikeFunction.apply(u, self.threshold, self.equal)
            membranes.append(u)
            spikes.append(s)
        spikes = torch.stack(spikes)
        if trace is not None:
            trace.append((torch.stack(membranes), spikes))
        return spikes


def per_step(layer, x):
    """Applies an image layer to every time step: (T, B, ...) -> (T, B, ...)."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Bn(nn.Module):
    """BatchNorm2d under the key `bn` (the authors' tdBatchNorm)."""

    def __init__(self, channels):
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x):
        return self.bn(x)


class Downsample(nn.Module):
    """Projection shortcut: 1x1 convolution and BN on the real-valued stream."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.layer = nn.Module()
        self.layer.module = nn.Conv2d(cin, cout, 1, stride, bias=False)
        self.bn = Bn(cout)

    def forward(self, x):
        return self.bn(self.layer.module(x))


class Block(nn.Module):
    """MS-ResNet basic block; (T, B, Cin, H, W) -> (T, B, Cout, ceil(H/stride), ceil(W/stride))."""

    def __init__(self, cfg, cin, cout, stride):
        super().__init__()
        self.lif = Lif(cfg)
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = Bn(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = Bn(cout)
        self.downsample = Downsample(cin, cout, stride) if stride != 1 or cin != cout else None

    def forward(self, x, trace=None):
        out = per_step(lambda z: self.bn1(self.conv1(z)), self.lif(x, trace))
        out = per_step(lambda z: self.bn2(self.conv2(z)), self.lif(out, trace))
        return out + (x if self.downsample is None else per_step(self.downsample, x))


class TemporalAttention(nn.Module):
    """(B, C, H, W) -> (T, B).  The stem is the same at every step, so it is pooled once."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps
        self.sharedMLP = nn.Sequential(
            nn.Conv3d(steps, steps // 2, 1, bias=False),
            nn.ReLU(),
            nn.Conv3d(steps // 2, steps, 1, bias=False),
        )

    def forward(self, x):
        pooled = torch.stack([x.mean((1, 2, 3)), x.amax((1, 2, 3))], 1)  # (B, 2)
        pooled = pooled[:, None, :, None, None].expand(-1, self.steps, -1, 1, 1)
        return self.sharedMLP(pooled).sum((2, 3, 4)).T


class SpatialChannelAttention(nn.Module):
    """(B, C, H, W) -> same shape, signed."""

    def __init__(self, channels, kernel):
        super().__init__()
        self.sharedMLP = nn.Sequential(
            nn.Conv2d(channels, channels, kernel, padding="same", bias=False),
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel, padding="same", bias=False),
        )

    def forward(self, x):
        return self.sharedMLP(x)


class Gac(nn.Module):
    """The whole network; normalised images (B, C, H, W) -> logits (B, classes)."""

    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.lif = Lif(cfg)
        self.conv1 = nn.Conv2d(cfg.input[0], cfg.stem, 3, 1, 1, bias=False)
        self.bn1 = Bn(cfg.stem)
        self.encoding = nn.Module()
        self.encoding.TA = TemporalAttention(cfg.T)
        self.encoding.SCA = SpatialChannelAttention(cfg.stem, cfg.K)
        channels = cfg.stem
        for number, (width, count, stride) in enumerate(cfg.stages, 1):
            blocks = [Block(cfg, channels, width, stride)]
            blocks += [Block(cfg, width, width, 1) for _ in range(count - 1)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            channels = width
        self.fc1 = nn.Linear(channels, cfg.classes)

    def blocks(self):
        """All blocks, in network order."""
        for number in range(1, len(self.cfg.stages) + 1):
            yield from getattr(self, f"layer{number}")

    def normalise(self, images):
        """Bytes (B, C, H, W) -> (pixel / 255 - mean) / std in the weights' type."""
        dtype = self.fc1.weight.dtype
        mean, std = (torch.tensor(v, dtype=dtype).view(-1, 1, 1) for v in (self.cfg.mean, self.cfg.std))
        return (images.to(dtype) / 255 - mean) / std

    def forward(self, image, trace=None):
        """`trace`, when given, is a dict that receives X, sca, ta, y and lif: [(membrane, spikes)].

        Order of `lif`: stem, then lif1 and lif2 of each block, then the last one.
        """
        populations = None if trace is None else []
        x = self.bn1(self.conv1(image))
        spikes = self.lif(x.expand(self.cfg.T, *x.shape), populations)
        ta = self.encoding.TA(x)
        sca = self.encoding.SCA(x)
        y = torch.sigmoid(ta[:, :, None, None, None] * sca) * spikes
        if trace is not None:
            trace.update(X=x, sca=sca, ta=ta, y=y, lif=populations)
        stream = y
        for block in self.blocks():
            stream = block(stream, populations)
        return self.fc1(self.lif(stream, populations).mean((0, 3, 4)))


def aliases(name):
    """Other names under which the authors' CIFAR state_dict repeats the tensor called `name`."""
    head, _, last = name.rpartition(".")
    if name.startswith("fc1."):
        return [f"fc1_s.layer.module.{last}"]
    if name.endswith("downsample.layer.module.weight"):
        return []
    if head.endswith("downsample.bn.bn"):
        return [f"{head[:-3]}.seqbn.module.{last}"]
    prefix, _, leaf = head.rpartition(".")
    if leaf in ("conv1", "conv2"):
        return [f"{head}_s.layer.module.{last}"]
    if leaf == "bn":  # <owner>.bn1.bn or <owner>.bn2.bn
        conv = prefix[:-3] + prefix[-3:].replace("bn", "conv") + "_s"
        return [f"{prefix}.seqbn.module.{last}", f"{conv}.bn.bn.{last}", f"{conv}.bn.seqbn.module.{last}"]
    return []


def save(path, model, with_aliases=False, **extra):
    """Writes the weights (canonical names, and on request every alias) and the "gac" metadata."""
    tensors = {}
    for name, value in model.state_dict().items():
        for key in [name, *(aliases(name) if with_aliases else [])]:
            tensors[key] = value.detach().clone().contiguous()
    save_file(tensors, path, metadata={"gac": json.dumps(model.cfg.metadata(**extra))})


def load(path):
    """Reads a file written by `save`: (model in eval mode, its "gac" record).

    Shapes come from the weights, the rest from the metadata.  Aliases must equal their originals,
    and no tensor may be left over or missing.
    """
    with safe_open(path, "pt") as file:
        record = json.loads(file.metadata()["gac"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    for name in list(tensors):
        for alias in aliases(name) if name in tensors else []:
            if alias in tensors and not torch.equal(tensors.pop(alias), tensors[name]):
                raise ValueError(f"{alias} differs from {name}")
    stages = []
    for number, stride in enumerate(record["strides"], 1):
        count = 0
        while f"layer{number}.{count}.conv1.weight" in tensors:
            count += 1
        stages.append((tensors[f"layer{number}.0.conv1.weight"].shape[0], count, stride))
    cfg = Config(
        T=record["T"],
        stem=tensors["conv1.weight"].shape[0],
        stages=tuple(stages),
        K=tensors["encoding.SCA.sharedMLP.0.weight"].shape[-1],
        input=tuple(record["input"]),
        classes=tensors["fc1.weight"].shape[0],
        **{key: record[key] for key in ("leak", "threshold", "fire")},
        mean=tuple(record["mean"]),
        std=tuple(record["std"]),
    )
    model = Gac(cfg)
    model.load_state_dict(tensors, strict=True)
    return model.eval(), record
