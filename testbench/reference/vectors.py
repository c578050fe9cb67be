"""Reference results of a trained network, computed in float64 from the float32 weights of its file.

Tensors written (N images, P LIF populations in network order: stem, lif1 and lif2 of every block,
last; n <= N images in detail, all image-major):

    labels        I64 [N]              from the data set
    logits        F64 [N, classes]
    spike_counts  I32 [N, P]           spikes of the population, summed over T, C, H, W
    margin        F64 [N, P]           smallest |u - threshold| of the population
    X, sca        F32 [n, C, H, W]     stem after BN; output of the second attention convolution
    ta            F32 [n, T]
    y             F32 [n, T, C, H, W]  gate output: sigmoid(ta * sca) where the stem fires, else 0
    u.0 ... u.P-1 F32 [n, T, C, H, W]  membrane before the threshold compare (and before the reset)

Single precision can turn a spike only where `margin` is of its rounding's size.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

import idx
from model import load


def populations(cfg):
    """Names of the LIF populations in network order."""
    names = ["stem"]
    for number, (_, count, _) in enumerate(cfg.stages, 1):
        names += [f"layer{number}.{block}.lif{lif}" for block in range(count) for lif in (1, 2)]
    return [*names, "last"]


def compute(model, images, detail):
    """Runs uint8 images (N, C, H, W) through a float64 model; see the module text for the result."""
    outcome = {}
    with torch.no_grad():
        logits = model(model.normalise(images), outcome)
    lif = outcome["lif"]
    tensors = {
        "logits": logits,
        "spike_counts": torch.stack([s.sum((0, 2, 3, 4)) for _, s in lif], 1).to(torch.int32),
        "margin": torch.stack([(u - model.cfg.threshold).abs().amin((0, 2, 3, 4)) for u, _ in lif], 1),
    }
    for name in ("X", "sca"):
        tensors[name] = outcome[name][:detail].float()
    steps = {"ta": outcome["ta"], "y": outcome["y"]}
    steps |= {f"u.{number}": u for number, (u, _) in enumerate(lif)}
    for name, value in steps.items():
        tensors[name] = value.transpose(0, 1)[:detail].float().contiguous()
    return tensors


def write(path, model_path, cfg, tensors, **extra):
    """Saves the tensors with a "vectors" record that names the model and the populations."""
    record = {"model": Path(model_path).name, "computed_in": "float64", "populations": populations(cfg), **extra}
    save_file(tensors, path, metadata={"vectors": json.dumps(record)})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder with the IDX .gz files")
    parser.add_argument("model", help="safetensors file written by train.py")
    parser.add_argument("out", help="safetensors file to write")
    parser.add_argument("--images", type=int, default=100, help="first test images to run")
    parser.add_argument("--detail", type=int, default=1, help="images of which all tensors are kept")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, record = load(args.model)
    images, labels = idx.split(args.data, "t10k")
    images, labels = images[: args.images], labels[: args.images]
    tensors = compute(model.double(), images, args.detail)
    tensors["labels"] = labels.clone()
    images_text = f"test images 0 to {args.images - 1} of {record['dataset']}"
    write(args.out, args.model, model.cfg, tensors, images=images_text, detail_images=list(range(args.detail)))
    sizes = torch.tensor([tensors[f"u.{p}"][0].numel() for p in range(tensors["margin"].shape[1])])
    right = (tensors["logits"].argmax(1) == labels).sum().item()
    print(f"{right} of {args.images} right; smallest margin {tensors['margin'].min():.2e}; rates", end=" ")
    print([round(r, 3) for r in (tensors["spike_counts"].double().mean(0) / sizes).tolist()])


if __name__ == "__main__":
    main()
