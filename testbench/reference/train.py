"""Trains a GAC network on Fashion-MNIST (or any data set in the same four IDX files).

SGD with Nesterov momentum and a cosine learning rate over wall time, triangle surrogate gradient,
label smoothing, mirror images and shifts by up to two pixels.  On a CPU the environment settings
MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 save about a third of the time
(without them glibc hands the activations back to the system after every step).  The recorded accuracy is that of the
final weights in eval mode on the whole test set; no epoch is picked by its test accuracy.
"""

import argparse
import math
import platform
import time

import torch
import torch.nn.functional as F

import idx
from model import Config, Gac, load, save


def accuracy(model, images, labels, batch=500):
    """Fraction of right labels, float32, eval mode."""
    model.eval()
    with torch.no_grad():
        right = sum(
            (model(model.normalise(x)).argmax(1) == y).sum().item()
            for x, y in zip(images.split(batch), labels.split(batch))
        )
    return right / len(labels)


def augment(x):
    """Mirrors each image with probability 1/2, then shifts the batch by up to 2 pixels (zero fill)."""
    x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
    dy, dx = torch.randint(0, 5, (2,)).tolist()
    return F.pad(x, (2, 2, 2, 2))[:, :, dy : dy + x.shape[2], dx : dx + x.shape[3]].contiguous()


def stage(text):
    """CHANNELS:BLOCKS:STRIDE -> three integers."""
    channels, blocks, stride = map(int, text.split(":"))
    return channels, blocks, stride


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder with the four IDX .gz files")
    parser.add_argument("out", help="safetensors file to write")
    parser.add_argument("--dataset", default="Fashion-MNIST")
    parser.add_argument("--init", help="start from this file; it also fixes the network's shape")
    parser.add_argument("--note", help="said in the metadata under 'made'")
    parser.add_argument("--aliases", action="store_true", help="write the authors' repeated keys too")
    parser.add_argument("--T", type=int, default=4)
    parser.add_argument("--K", type=int, default=4)
    parser.add_argument("--stem", type=int, default=16)
    parser.add_argument("--stages", type=stage, nargs="+", default=[(32, 1, 2), (64, 1, 2)], metavar="C:BLOCKS:STRIDE")
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--smoothing", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    images, labels = idx.split(args.data, "train")
    test = idx.split(args.data, "t10k")
    if args.init:
        model, _ = load(args.init)
    else:
        model = Gac(Config(args.T, args.stem, tuple(args.stages), args.K, tuple(images.shape[1:])))
    print("parameters", sum(p.numel() for p in model.parameters()), flush=True)
    compiled = torch.compile(model)
    optimiser = torch.optim.SGD(model.parameters(), args.lr, 0.9, weight_decay=5e-5, nesterov=True)

    start, epochs, done = time.time(), 0.0, 0.0
    while done < 1:
        model.train()
        loss_sum, count = 0.0, 0
        for batch in torch.randperm(len(images)).split(args.batch)[:-1]:
            done = min(1.0, (time.time() - start) / (60 * args.minutes))
            for group in optimiser.param_groups:
                group["lr"] = args.lr * 0.5 * (1 + math.cos(math.pi * done))
            loss = F.cross_entropy(
                compiled(augment(model.normalise(images[batch]))), labels[batch], label_smoothing=args.smoothing
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            loss_sum, count = loss_sum + loss.item(), count + 1
            if done == 1:
                break
        epochs += count * args.batch / len(images)
        glance = accuracy(model, *(part[:2000] for part in test))
        print(
            f"epoch {epochs:.2f} loss {loss_sum / count:.4f} top1 of the first 2000 {glance:.4f} {time.time() - start:.0f} s",
            flush=True,
        )

    top1 = accuracy(model, *test)
    print(f"top1 of all {len(test[1])} {top1:.4f}")
    made = (
        f"train.py: {epochs:.2f} epochs, SGD lr {args.lr} cosine to 0, Nesterov momentum 0.9, weight decay 5e-5, "
        f"batch {args.batch}, label smoothing {args.smoothing}, mirror and shift 2, seed {args.seed}; "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )
    if args.note:
        made = f"{args.note}; {made}"
    save(args.out, model.eval(), args.aliases, dataset=args.dataset, float_top1=top1, made=made)


if __name__ == "__main__":
    main()
