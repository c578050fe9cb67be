"""Trains a GAC network on colour pictures in one folder per class, such as CIFAR-10.

DATA holds train/CLASS/*.jpg and test/CLASS/*.jpg (or .png); classes are numbered in the order of their
names.  SGD with Nesterov momentum, one cosine from the learning rate to a share of it over the epochs,
label smoothing, mirror images, shifts by up to four pixels (zero fill after normalisation) and CutMix,
each drawn per image or per batch.  With --teacher the loss is in part the distance from what that
network says of the same picture (Hinton, Vinyals, Dean 2015): KL divergence of both softmaxes at a temperature,
times its square.  The result is the mean of the weights after the last epochs, of one
without --average.  Arithmetic is bfloat16 where torch's autocast takes it; at the end the batch norms'
statistics are taken anew in float32.  After every epoch the whole state goes to STATE, from which
the same command goes on: the order and the pictures of an epoch follow from the seed and its number
alone.  The recorded accuracy is that of the result, in float32, on the whole test set; no epoch is
picked by it.
"""

import argparse
import math
import os
import platform
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from colour import MEAN, STD, augment, cutmix, pictures
from model import Config, Gac, load, save
from teacher import load as load_teacher
from train import accuracy, stage


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder with train/CLASS/ and test/CLASS/")
    parser.add_argument("out", help="safetensors file to write")
    parser.add_argument("--state", required=True, help="file to go on from, written after every epoch")
    parser.add_argument("--dataset", required=True, help="name of the data set, for the metadata")
    parser.add_argument("--T", type=int, default=4)
    parser.add_argument("--K", type=int, default=4)
    parser.add_argument("--stem", type=int, default=32)
    parser.add_argument("--stages", type=stage, nargs="+", default=[(64, 1, 2), (128, 1, 2), (256, 1, 2)], metavar="C:BLOCKS:STRIDE")
    parser.add_argument("--init", nargs="+", default=[], help="files of the same network, the mean of whose weights is begun from when there is no STATE yet")
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--floor", type=float, default=0.0, help="share of the learning rate that the cosine ends at")
    parser.add_argument("--average", type=int, default=1, metavar="EPOCHS", help="how many of the last epochs' weights the result is the mean of")
    parser.add_argument("--clip", type=float, default=1.0, help="largest norm of the gradient of all weights: few steps are far larger")
    parser.add_argument("--decay", type=float, default=5e-4)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--smoothing", type=float, default=0.05)
    parser.add_argument("--cutmix", type=float, default=0.0, help="share of the batches that are mixed")
    parser.add_argument("--teacher", help="file of teacher.py, a network without spikes to learn from too")
    parser.add_argument("--taught", type=float, default=0.8, help="share of the loss that the teacher has")
    parser.add_argument("--temperature", type=float, default=3.0, help="of the softmax that is learnt from the teacher")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, help="stop every epoch after so many steps (to try the script)")
    return parser.parse_args()


def distance(logits, taught, temperature):
    """KL divergence of a softmax at `temperature` from the teacher's, times the temperature's square."""
    soft = F.log_softmax(logits / temperature, 1), F.log_softmax(taught / temperature, 1)
    return temperature**2 * F.kl_div(*soft, reduction="batchmean", log_target=True)


def epoch(model, compiled, teacher, optimiser, images, labels, number, args):
    """One pass over the training images; mean loss."""
    draw = torch.Generator().manual_seed(args.seed * 1000 + number)
    batches = torch.randperm(len(images), generator=draw).split(args.batch)[: -1 if args.steps is None else args.steps]
    total = 0.0
    model.train()
    for step, batch in enumerate(batches):
        done = (number + step / len(batches)) / args.epochs
        warm = min(1, (number * len(batches) + step + 1) / 200)
        for group in optimiser.param_groups:
            group["lr"] = args.lr * warm * (args.floor + (1 - args.floor) * 0.5 * (1 + math.cos(math.pi * done)))
        x, y = augment(model.normalise(images[batch]), draw), labels[batch]
        other, share = y, 1.0
        if torch.rand((), generator=draw) < args.cutmix:
            x, other, share = cutmix(x, y, draw)
        with torch.autocast("cpu", torch.bfloat16):
            logits = compiled(x).float()
        loss = share * F.cross_entropy(logits, y, label_smoothing=args.smoothing)
        loss = loss + (1 - share) * F.cross_entropy(logits, other, label_smoothing=args.smoothing)
        if teacher is not None:
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                taught = teacher(x.contiguous(memory_format=torch.channels_last)).float()
            loss = (1 - args.taught) * loss + args.taught * distance(logits, taught, args.temperature)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimiser.step()
        total += loss.item()
    return total / len(batches)


def mean(states):
    """The mean of networks' weights; what is no real number is the first one's."""
    return {key: torch.stack([s[key] for s in states]).mean(0) if first.is_floating_point() else first for key, first in states[0].items()}


def measure(model, images, batch=250):
    """Takes the statistics of the batch norms anew in float32, those that the network is used with."""
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    with torch.no_grad():
        for x in images.split(batch):
            model(model.normalise(x))
    model.eval()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train, test = (pictures(Path(args.data) / part) for part in ("train", "test"))
    model = Gac(Config(args.T, args.stem, tuple(args.stages), args.K, tuple(train[0].shape[1:]), len(train[1].unique()), mean=MEAN, std=STD))
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.SGD([{"params": decayed}, {"params": plain, "weight_decay": 0}], args.lr, 0.9, weight_decay=args.decay, nesterov=True)
    first, seconds, last, begun = 0, 0.0, [], "random weights"
    if args.init:
        earlier = [load(file) for file in args.init]
        model.load_state_dict(mean([each.state_dict() for each, _ in earlier]))
        begun = ("the mean of " if len(earlier) > 1 else "") + " and ".join(f"({record['made']})" for _, record in earlier)
    if Path(args.state).exists():
        kept = torch.load(args.state)
        model.load_state_dict(kept["model"])
        optimiser.load_state_dict(kept["optimiser"])
        first, seconds, last = kept["epoch"], kept["seconds"], kept["last"]
    print("parameters", sum(p.numel() for p in model.parameters()), "images", len(train[0]), len(test[0]), "from epoch", first, flush=True)
    compiled, teacher, taught = torch.compile(model), None, ""
    if args.teacher:
        teacher, record = load_teacher(args.teacher)
        taught = f"{args.taught} of the loss from a network without spikes ({record}) at temperature {args.temperature}, "
        teacher = torch.compile(teacher)
    for number in range(first, args.epochs):
        start = time.time()
        loss = epoch(model, compiled, teacher, optimiser, *train, number, args)
        seconds += time.time() - start
        last = (last + [{key: value.clone() for key, value in model.state_dict().items()}])[-args.average :]
        kept = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "epoch": number + 1, "seconds": seconds, "last": last}
        torch.save(kept, args.state + ".new")
        os.replace(args.state + ".new", args.state)
        glance = accuracy(model, *(part[::5] for part in test))
        print(f"epoch {number + 1} loss {loss:.4f} top1 of every fifth test image {glance:.4f} {seconds:.0f} s", flush=True)
    model.load_state_dict(mean(last))
    measure(model, train[0][:: len(train[0]) // 10000 or 1])
    top1 = accuracy(model, *test)
    print(f"top1 of all {len(test[1])} {top1:.4f}")
    made = (
        f"cifar_train.py: {args.epochs} epochs from {begun} in bfloat16, statistics in float32, SGD lr {args.lr} cosine to {args.floor} of it, mean of {args.average} epochs' weights, gradient norm {args.clip}, "
        f"Nesterov momentum 0.9, weight decay {args.decay}, batch {args.batch}, label smoothing {args.smoothing}, {taught}mirror, shift 4, "
        f"CutMix {args.cutmix}, seed {args.seed}; torch {torch.__version__}, Python {platform.python_version()}"
    )
    save(args.out, model.eval(), dataset=args.dataset, float_top1=top1, made=made)


if __name__ == "__main__":
    main()
