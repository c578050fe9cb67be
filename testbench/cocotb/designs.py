"""Designs for the bench: what the compiler emits, and what the golden model says of every image."""

import csv
import io
import json
import re
import struct
import subprocess
from pathlib import Path

import network

MODEL_SEED, IMAGE_SEED, IMAGES = 3, 2, 32

# The compiler's arguments of each form. With CI * CO bytes a weight word, the bursts of `long` have 64 transfers.
FORMS = {
    "resident": ["--array", "4,1,4,4"],
    "memory": ["--array", "4,1,4,4", "--memory", "32"],
    "long": ["--array", "1,1,16,16", "--memory", "32"],
    "spill": ["--array", "4,1,4,4", "--memory", "32", "--spill"],
    "batch": ["--array", "4,1,4,4", "--memory", "64", "--spill", "--batch", "2"],
}

# In the place of the clock generator's primitives: the core's clock is the oscillator's.
PLL = """module board_pll (input wire clkin, output wire clkout, output wire locked);
  assign clkout = clkin;
  assign locked = 1'b1;
endmodule
"""

# `synth` writes the board's Verilog before it calls its tools; these say a version and do nothing.
TOOLS = {"yosys": "Yosys 0.70", "nextpnr-ecp5": "Version 0.8", "ecppack": "Version 1.4"}


class Failed(Exception):
    """The command line did not do what it was asked for."""


def call(*command, env=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def emit(spikegate, folder, form):
    """Compiles a form into `folder`; writes beside it what the bench needs, as JSON, and returns that file."""
    model, pictures, design = folder / "tiny.safetensors", folder / "tiny.npy", folder / form
    told = folder / f"{form}.json"
    if told.exists():
        return told
    network.write_model(model, MODEL_SEED)
    images = network.write_images(pictures, IMAGES, IMAGE_SEED)
    call(spikegate, "-q", "compile", model, *FORMS[form], "--calib", pictures, "-o", design)
    rows = call(spikegate, "-q", "run", design, "--device", "golden", "--input", pictures)
    expected = [
        {
            "class": int(row["class"]),
            "cycles": int(row["cycles"]),
            "logits": [int(row[key]) for key in row if key.startswith("logit_")],
        }
        for row in csv.DictReader(io.StringIO(rows))
    ]
    if len({result["class"] for result in expected}) < 2:
        raise Failed("the network gives every image the same class: choose another seed")
    manifest = json.loads((design / "manifest.json").read_text())
    told.write_text(json.dumps({
        "design": str(design),
        "program_hash": int(manifest["program_hash"][:8], 16),
        "config_hash": int(manifest["config_hash"][:8], 16),
        "interface_version": manifest["interface_version"],
        "array": manifest["array"],
        "images": [image.hex() for image in images],
        "expected": expected,
    }))
    return told


def program(design):
    """The load packets of `program.bin`: each is preceded by its length in words."""
    data = (Path(design) / "program.bin").read_bytes()
    words = struct.unpack(f"<{len(data) // 4}I", data)
    packets, at = [], 0
    while at < len(words):
        packets.append(words[at + 1:at + 1 + words[at]])
        at += 1 + words[at]
    return packets


def verilog(told):
    """The Verilog of an emitted form, and the name of its top.

    cocotbext-axi wants IDs on a memory port. Where the port has none (only weights use it), a shell gives every
    transaction ID 0, as an interconnect would.
    """
    text = (Path(json.loads(told.read_text())["design"]) / "spikegate.v").read_text()
    head = re.search(r"^module spikegate \(\n(.*?)\n\);", text, re.M | re.S).group(1)
    if "m_axi_araddr" not in head or "m_axi_arid" in head:
        return text, "spikegate"
    names = re.findall(r"(\w+)(?=,? //)", head)
    ids = "".join(f",\n  output wire m_axi_a{way}id, input wire m_axi_{answer}id" for way, answer in ("rr", "wb"))
    plain = re.sub(r" //.*", "", head)
    pins = ", ".join(f".{name}({name})" for name in names)
    return (
        f"{text}\nmodule with_ids (\n{plain}{ids}\n);\n"
        f"  assign m_axi_arid = 1'b0;\n  assign m_axi_awid = 1'b0;\n  spikegate core ({pins});\nendmodule\n",
        "with_ids",
    )


def board(spikegate, folder, told):
    """The Verilog of a board whose host link is a serial line: pins, bridge and the core of an emitted form."""
    tools, out = folder / "tools", folder / "board"
    if not out.exists():
        tools.mkdir(exist_ok=True)
        for name, says in TOOLS.items():
            tool = tools / f"yowasp-{name}"
            tool.write_text(f"#!/bin/sh\ncase \"$*\" in *-V* | *--version*) echo '{says}';; *) exit 1;; esac\n")
            tool.chmod(0o755)
        design = json.loads(told.read_text())["design"]
        path = {"PATH": f"{tools}:/usr/bin:/bin"}
        try:
            call(spikegate, "synth", design, "--board", "ulx3s-85f", "--seeds", "1", "--out", out, env=path)
        except Failed as error:
            # The stand-ins make no netlist; what went wrong before that matters.
            if not (out / "uart.v").exists():
                raise error
    parts = [(out / name).read_text() for name in ("board_top.v", "uart.v", "spikegate.v")]
    return "\n".join([PLL, *parts]), "board_top"
