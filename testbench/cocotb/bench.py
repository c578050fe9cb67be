"""A core between its host, its memory and the monitors; and the record of what was checked."""

import json
import logging
import os
import random
import warnings
from pathlib import Path

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, with_timeout

import host
import memory
from monitors import Monitors

PERIOD = 10  # ns
# Cycles in which the next packet must come, without pauses; the longest image takes a third of them.
PATIENCE = 40_000
PAUSES = ("none", "random", "bursty")


def told():
    """The emitted design and what is expected of it."""
    return json.loads(Path(os.environ["SPIKEGATE_TOLD"]).read_text())


class Pauses:
    """A pause generator of cocotbext-axi that counts the cycles in which it held its channel."""

    def __init__(self, kind, seed):
        self.kind, self.draw, self.held = kind, random.Random(seed), 0

    def __iter__(self):
        share = self.draw.uniform(0.2, 0.6)
        while True:
            if self.kind == "random":
                runs = [(self.draw.random() < share, 1)]
            else:
                runs = [(False, self.draw.randint(1, 60)), (True, self.draw.randint(1, 60))]
            for pause, cycles in runs:
                for _ in range(cycles):
                    self.held += pause
                    yield pause


class Bench:
    """Everything around one core."""

    def __init__(self, dut, name, **memory_kind):
        logging.getLogger("cocotb.regression").setLevel(logging.INFO)
        logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.WARNING)
        warnings.simplefilter("ignore", DeprecationWarning)
        self.dut, self.name, self.told = dut, name, told()
        self.clock = Clock(dut.clk, PERIOD, unit="ns")
        self.clock.start()
        dut.rst.value = 1
        self.host = host.Host(dut, self.told)
        has_memory = self.told["array"]["memory_bits"] > 0
        self.memory = memory.Memory(dut, **memory_kind) if has_memory else None
        self.pauses, self.compared, self.images, self.sequence = {}, 0, 0, 0
        self.monitors = None

    async def start(self):
        await ClockCycles(self.dut.clk, 4)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 1)
        self.monitors = Monitors(self.dut, memory.SIZE if self.memory else 0)
        await ClockCycles(self.dut.clk, 2)

    def pause(self, kind, seed=1):
        """Holds every channel of the bench by chance from now on."""
        if kind == "none":
            return
        channels = self.host.channels() | (self.memory.channels() if self.memory else {})
        for at, (name, channel) in enumerate(channels.items()):
            self.pauses[name] = Pauses(kind, f"{seed} {at}")
            channel.set_pause_generator(iter(self.pauses[name]))

    def equal(self, what, got, wanted, values=1):
        host.expect(what, got, wanted)
        self.compared += values

    async def within(self, what, cycles=PATIENCE):
        return await with_timeout(what, (4 if self.pauses else 1) * cycles * PERIOD, "ns")

    async def load(self):
        await self.within(self.host.load())
        if self.memory:
            self.monitors.port.given_up = False

    async def reset(self):
        """A soft reset by the host."""
        await self.host.reset()
        if self.memory:
            self.monitors.port.give_up()

    async def classify(self, count, cycles=False):
        """Images back to back: every class and logit must be the golden model's, and cycles where they are fixed."""
        first, self.sequence = self.sequence, self.sequence + count
        for sequence in range(first, first + count):
            self.host.send_image(sequence, sequence)
        for sequence in range(first, first + count):
            packet = await self.within(self.host.receive())
            which, logits, steps = host.result(packet, sequence)
            wanted = self.told["expected"][sequence]
            self.equal(f"image {sequence}: class", which, wanted["class"])
            self.equal(f"image {sequence}: logits", logits, wanted["logits"], len(logits))
            if cycles:
                self.equal(f"image {sequence}: cycles", sum(steps), wanted["cycles"])
            self.images += 1

    async def finish(self, **more):
        """Ends the monitors and writes what was checked; a run that checked nothing is none."""
        self.host.lite.write_if.log.setLevel(logging.WARNING)
        self.equal("error register", await self.within(self.host.read(host.ERROR)), 0)
        await ClockCycles(self.dut.clk, 20)
        self.monitors.finish()
        transfers, waits = self.monitors.counts()
        port = self.monitors.port
        idle = [name for name, count in transfers.items() if count == 0]
        assert not idle, f"nothing went over {idle}"
        unheld = [name for name, pauses in self.pauses.items() if pauses.held == 0]
        assert not unheld, f"never held: {unheld}"
        record = {
            "form": self.name, "images": self.images, "compared": self.compared, "cycles": self.monitors.cycles,
            "transfers": transfers, "waits": waits, "held": sum(pauses.held for pauses in self.pauses.values()),
        }
        if port:
            record |= {"longest": port.longest, "bursts": dict(port.by_id)}
        record |= more
        with open(os.environ["SPIKEGATE_COUNTS"], "a") as out:
            out.write(json.dumps(record) + "\n")
