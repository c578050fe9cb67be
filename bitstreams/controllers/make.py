#!/usr/bin/env python3
"""Makes the memory controllers that are kept here: `./make.py [BOARD...]`, all of them without a name.

LiteDRAM of the versions in requirements.txt goes into a virtual environment (`--venv`, a folder that is made when it is
not there). For each board come out
  NAME.v         the controller: AXI4 port of the memory's native width, DFI towards the PHY
  NAME_phy.v     the PHY: DFI, clocks, pins
  NAME.json      the commands that bring the memory up, and what there is to level
Nothing in them depends on the day, the folder or the machine.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Longest of what the standards ask for behind a command at these clocks, in cycles: tDLLK and tZQinit are 512 of the
# memory's clock.
LEAST_WAIT = 512
# Pins of the PHY that the generator calls inputs.
INOUTS = ["ddram_dq", "ddram_dqs_p"]


def in_venv(venv, arguments):
    """Runs this file again with the Python that has LiteDRAM."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        pip = [python, "-m", "pip", "install", "-q", "--no-deps", "-r", HERE / "requirements.txt"]
        subprocess.run(pip, check=True)
    return subprocess.run([python, __file__, "--inside", *arguments]).returncode


def boards():
    return sorted(path.stem for path in HERE.glob("*.toml"))


def make(board):
    from migen import ClockDomain, If, Module, Signal
    from migen.genlib.record import DIR_M_TO_S
    from litex.build.lattice import LatticePlatform
    from litedram import modules
    from litedram.core.controller import ControllerSettings, LiteDRAMController
    from litedram.core.crossbar import LiteDRAMCrossbar
    from litedram.frontend.axi import LiteDRAMAXI2Native, LiteDRAMAXIPort
    from litedram.init import get_sdram_phy_init_sequence
    from litedram.phy.dfi import Interface

    b = tomllib.loads((HERE / f"{board}.toml").read_text())
    name = b["name"]
    hz = b["clock_mhz"] * 1_000_000
    platform = LatticePlatform("LFE5U-85F-6BG381C", io=[], toolchain="trellis")

    class Ports:
        """Ports of a module, by name."""

        def __init__(self):
            self.all = []

        def add(self, port, width=1):
            signal = Signal(width, name_override=port)
            self.all.append(signal)
            return signal

    def dfi_ports(module, ports, dfi, to_phy):
        """Joins the DFI's signals and ports; `to_phy` is true in the controller."""
        for n, phase in enumerate(dfi.phases):
            for field, width, direction in phase.layout:
                port = ports.add(f"dfi_p{n}_{field}", width)
                signal = getattr(phase, field)
                outward = (direction == DIR_M_TO_S) == to_phy
                module.comb += port.eq(signal) if outward else signal.eq(port)

    def write(file, module, ports, inouts=()):
        text = str(platform.get_verilog(module, ios=set(ports.all), name=Path(file).stem))
        (HERE / file).write_text(mend(text, inouts))

    phy, crg, phy_module, phy_ports = make_phy(b, Ports)
    dfi_ports(phy_module, phy_ports, phy.dfi, False)

    # The controller.
    module_class = getattr(modules, b["module"])
    grades = dict(module_class.speedgrade_timings)
    for grade, timing in grades.items():
        if "refresh_ns" in b:
            grades[grade] = type(timing)(timing.tRP, timing.tRCD, timing.tWR, (None, b["refresh_ns"]), timing.tFAW, timing.tRAS)
    module_class = type(b["module"], (module_class,), {"speedgrade_timings": grades})
    memory = module_class(hz, f"1:{phy.settings.nphases}")
    top, ports = Module(), Ports()
    top.clock_domains.cd_sys = cd = ClockDomain()
    cd.clk, cd.rst = ports.add("clk"), ports.add("rst")
    top.submodules.controller = controller = LiteDRAMController(
        phy_settings=phy.settings,
        geom_settings=memory.geom_settings,
        timing_settings=memory.timing_settings,
        clk_freq=hz,
        controller_settings=ControllerSettings(),
    )
    top.submodules.crossbar = crossbar = LiteDRAMCrossbar(controller.interface)
    s = phy.settings
    dfi = Interface(b["address_bits"], b["bank_bits"], s.nranks, s.dfi_databits, s.nphases)
    dfi_ports(top, ports, dfi, True)
    # Until the controller may, commands come from the unit that brings the memory up, in phase 0.
    hand = {
        "sel": ports.add("init_sel"),
        "control": ports.add("init_control", 3),
        "issue": ports.add("init_issue"),
        "command": ports.add("init_command", 4),
        "address": ports.add("init_address", b["address_bits"]),
        "bank": ports.add("init_bank", b["bank_bits"]),
    }
    issues = Signal()
    top.comb += issues.eq(hand["issue"] & hand["sel"])
    for n, (ours, theirs) in enumerate(zip(dfi.phases, controller.dfi.phases)):
        own = {"cke": hand["control"][0], "odt": hand["control"][1], "reset_n": hand["control"][2]}
        if n == 0:
            command = [~(issues & hand["command"][i]) for i in range(4)]
            own |= {"address": hand["address"], "bank": hand["bank"]}
            own |= {"cs_n": command[0], "we_n": command[1], "cas_n": command[2], "ras_n": command[3]}
        else:
            own |= {"cs_n": 1, "we_n": 1, "cas_n": 1, "ras_n": 1}
        for field, _, direction in ours.layout:
            a, c = getattr(ours, field), getattr(theirs, field)
            if direction != DIR_M_TO_S:
                top.comb += c.eq(a)
            elif field == "act_n":
                top.comb += a.eq(1)
            elif field in own:
                top.comb += If(hand["sel"], a.eq(own[field])).Else(a.eq(c))
            elif field in ("wrdata_en", "rddata_en"):
                top.comb += a.eq(c & ~hand["sel"])
            else:
                top.comb += a.eq(c)
    native = crossbar.get_port()
    bytes_ = native.data_width // 8
    axi = LiteDRAMAXIPort(native.data_width, native.address_width + bytes_.bit_length() - 1, id_width=1)
    top.submodules.axi = LiteDRAMAXI2Native(axi=axi, port=native)
    for channel, fields in {
        "aw": ["valid", "ready", "addr", "burst", "len", "size", "id"],
        "w": ["valid", "ready", "last", "strb", "data"],
        "b": ["valid", "ready", "resp", "id"],
        "ar": ["valid", "ready", "addr", "burst", "len", "size", "id"],
        "r": ["valid", "ready", "last", "resp", "data", "id"],
    }.items():
        for field in fields:
            signal = getattr(getattr(axi, channel), field)
            port = ports.add(f"s_axi_{channel}{field}", len(signal))
            inward = (field == "ready") == (channel in ("b", "r"))
            top.comb += signal.eq(port) if inward else port.eq(signal)
    write(f"{name}.v", top, ports)
    write(f"{name}_phy.v", phy_module, phy_ports, INOUTS)

    # How the memory comes up.
    sequence, _ = get_sdram_phy_init_sequence(s, memory.timing_settings)
    bits = {"DFII_COMMAND_CS": 1, "DFII_COMMAND_WE": 2, "DFII_COMMAND_CAS": 4, "DFII_COMMAND_RAS": 8}
    control = {"DFII_CONTROL_CKE": 1, "DFII_CONTROL_ODT": 2, "DFII_CONTROL_RESET_N": 4}
    steps = [{"what": "Hold reset", "control": 0, "wait": 200 * b["clock_mhz"]}]
    now = 0
    for what, address, bank, command, wait in sequence:
        words = command.split("|")
        if words[0] in control:
            now = sum(control[w] for w in words)
            step = {"what": what, "control": now}
        else:
            step = {"what": what, "control": now, "command": sum(bits[w] for w in words), "address": address, "bank": bank}
        steps.append(step | {"wait": max(wait, LEAST_WAIT)})
    pins = []
    for port in phy_ports.all:
        if port.name_override.startswith("ddram_"):
            pin = b["pins"][port.name_override]
            sites = pin["sites"].split()
            assert len(sites) == len(port), port.name_override
            options = pin.get("options", [])
            pins.append({"name": port.name_override, "out": port.name_override not in INOUTS, "sites": sites, "io": pin["io"], "options": options})
    made = {
        "name": name,
        "clock_mhz": b["clock_mhz"],
        "axi_bits": native.data_width,
        "axi_address_bits": axi.address_width,
        "lanes": b["data_bits"] // 8,
        "bitslips": s.bitslips if s.read_leveling else 1,
        "taps": s.delays if s.read_leveling else 1,
        "read_latency": s.read_latency,
        "write_latency": s.write_latency,
        "read_phase": int(s.rdphase) if not hasattr(s.rdphase, "value") else s.rdphase.value,
        "write_phase": int(s.wrphase) if not hasattr(s.wrphase, "value") else s.wrphase.value,
        "phases": s.nphases,
        "refresh_cycles": memory.timing_settings.tRFC,
        "refresh_every": memory.timing_settings.tREFI,
        "steps": steps,
        "pins": pins,
        "dfi": [{"name": p.name_override, "bits": len(p)} for p in ports.all if p.name_override.startswith("dfi_")],
    }
    (HERE / f"{name}.json").write_text(json.dumps(made, indent=1, separators=(",", ": ")) + "\n")


def make_phy(b, Ports):
    """The PHY with its clocks, its control signals as ports."""
    from migen import Module, Signal

    hz = b["clock_mhz"] * 1_000_000
    top, ports = Module(), Ports()

    class Pads:
        pass

    class Platform:
        """What the clock generator of LiteDRAM's own generator asks of a platform."""

        def request(self, what):
            return {"clk": clkin, "rst": rst, "pll_locked": locked}[what]

    pads = Pads()
    for pad, width in {
        "a": b["address_bits"], "ba": b["bank_bits"], "ras_n": 1, "cas_n": 1, "we_n": 1, "dm": b["data_bits"] // 8,
        "dq": b["data_bits"], "dqs_p": b["data_bits"] // 8, "clk_p": 1, "cke": 1, "odt": 1,
    }.items():
        setattr(pads, pad, ports.add(f"ddram_{pad}", width))
    clkin, rst, locked = ports.add("clkin"), ports.add("rst"), ports.add("locked")
    if b["phy"] == "ECP5DDRPHY":
        from litedram.gen import LiteDRAMECP5DDRPHYCRG
        from litedram.phy import ECP5DDRPHY

        config = {
            "memtype": "DDR3", "input_clk_freq": b["oscillator_mhz"] * 1e6, "sys_clk_freq": float(hz), "init_clk_freq": 25e6,
        }
        top.submodules.crg = crg = LiteDRAMECP5DDRPHYCRG(Platform(), config)
        top.submodules.phy = phy = ECP5DDRPHY(pads, sys_clk_freq=hz)
        top.comb += [crg.stop.eq(phy.init.stop), crg.reset.eq(phy.init.reset)]
        top.comb += [ports.add("clkout").eq(crg.cd_sys.clk), ports.add("rstout").eq(crg.cd_sys.rst)]
        top.comb += [
            phy._dly_sel.storage.eq(ports.add("level_lanes", b["data_bits"] // 8)),
            phy._rdly_dq_rst.re.eq(ports.add("level_tap_first")),
            phy._rdly_dq_inc.re.eq(ports.add("level_tap_next")),
            phy._rdly_dq_bitslip_rst.re.eq(ports.add("level_slip_first")),
            phy._rdly_dq_bitslip.re.eq(ports.add("level_slip_next")),
        ]
    else:
        raise SystemExit(f"no PHY {b['phy']}")
    return phy, crg, top, ports


def mend(text, inouts):
    """What the generator's text lacks: see README.md."""
    # The head has the day in it, the one line that LiteX writes of itself stays.
    text = re.sub(r"^// (Date|LiteX sha1) +:.*\n", "", text, flags=re.M)
    text = re.sub(r"^(// +Auto-Generated by LiteX) on .*\n", r"\1.\n", text, flags=re.M)
    # No delays are simulated, and one file with a time scale asks it of all.
    text = re.sub(r"^`timescale .*\n", "", text, flags=re.M)
    for pad in inouts:
        text, n = re.subn(rf"^(\s+)input( +wire.* {pad},?)$", r"\1inout\2", text, flags=re.M)
        assert n == 1, pad
    seen, lines = set(), []
    for line in text.splitlines():
        # Slices that stand twice.
        if line.startswith("assign "):
            if line in seen:
                continue
            seen.add(line)
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, default=Path.home() / ".cache" / "spikegate" / "litedram-2024.12")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("board", nargs="*")
    a = parser.parse_args()
    names = a.board or boards()
    if not a.inside:
        sys.exit(in_venv(a.venv, names))
    for name in names:
        make(name)


if __name__ == "__main__":
    main()
