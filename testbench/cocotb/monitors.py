"""Monitors of the protocols at a core's ports, written from the AXI4 and AXI4-Stream specifications.

They read pins at the rising edge, as a receiver there would, and know nothing of the bench that drives the other side.
A violation ends the test.
"""

from collections import Counter, deque

import cocotb
from cocotb.triggers import RisingEdge

BOUNDARY = 4096
INCR = 1
# What the port says of every burst: data, secure, unprivileged; normal, not cacheable, bufferable.
PROT, CACHE = 0, 3


class Violation(AssertionError):
    """A rule of a protocol is broken."""


def require(rule, holds, detail=""):
    if not holds:
        raise Violation(f"{rule}{detail and ': '}{detail}")


class Channel:
    """VALID, READY and payload of one channel. `ours` says that the core drives VALID and payload."""

    def __init__(self, dut, name, valid, ready, payload, ours):
        self.name, self.ours, self.names = name, ours, payload
        self.valid, self.ready = getattr(dut, valid), getattr(dut, ready)
        self.payload = [getattr(dut, pin) for pin in payload]
        self.held = None
        self.transfers = self.waits = 0

    def known(self, handle, pin):
        value = handle.value
        require(f"{self.name}: {pin} is X or Z", value.is_resolvable, str(value))
        return int(value)

    def sample(self):
        """The payload of a transfer in this cycle, by name, or nothing."""
        valid, ready = self.known(self.valid, "VALID"), self.known(self.ready, "READY")
        if not valid:
            require(f"{self.name}: VALID went away before READY", self.held is None)
            return None
        if not self.ours and not ready:
            self.waits += 1
            return None
        # The core may leave nothing undefined; what the bench sends is read only when it is taken.
        values = [self.known(handle, pin) for handle, pin in zip(self.payload, self.names)]
        if self.held is not None:
            require(f"{self.name}: the payload changed before READY", values == self.held, f"{self.held}, {values}")
        self.held = None
        if not ready:
            self.waits += 1
            self.held = values
            return None
        self.transfers += 1
        return dict(zip(self.names, values))


def axi_channels(dut, prefix, payloads, core_is_master):
    """Channels of an AXI port: what the master drives is ours where the core is the master."""
    out = {}
    for short, pins in payloads.items():
        pins = [f"{prefix}_{short}{pin}" for pin in pins]
        ours = core_is_master == (short in ("aw", "w", "ar"))
        out[short] = Channel(dut, f"{prefix} {short}", f"{prefix}_{short}valid", f"{prefix}_{short}ready", pins, ours)
    return out


class Streams:
    """Both AXI4-Streams."""

    def __init__(self, dut):
        self.channels = [
            Channel(dut, name, f"{name}_tvalid", f"{name}_tready", [f"{name}_tdata", f"{name}_tlast"], name[0] == "m")
            for name in ("s_axis", "m_axis")
        ]

    def cycle(self):
        for channel in self.channels:
            channel.sample()

    def finish(self):
        pass


class Lite:
    """AXI4-Lite slave: no answer before its request, and none too many."""

    def __init__(self, dut):
        payloads = {"aw": ["addr"], "w": ["data", "strb"], "b": ["resp"], "ar": ["addr"], "r": ["data", "resp"]}
        self.by_name = axi_channels(dut, "s_axil", payloads, False)
        self.channels = list(self.by_name.values())

    def cycle(self):
        # An answer may be shown from the cycle after its request's transfer on.
        counts = {name: channel.transfers for name, channel in self.by_name.items()}
        for channel in self.channels:
            channel.sample()
        if int(self.by_name["b"].valid.value):
            require("s_axil: BVALID before the write", counts["b"] < min(counts["aw"], counts["w"]))
        if int(self.by_name["r"].valid.value):
            require("s_axil: RVALID before the read", counts["r"] < counts["ar"])

    def finish(self):
        counts = {name: channel.transfers for name, channel in self.by_name.items()}
        require("s_axil: a write is unanswered", counts["aw"] == counts["w"] == counts["b"], str(counts))
        require("s_axil: a read is unanswered", counts["ar"] == counts["r"], str(counts))


class Port:
    """AXI4 master: form of bursts, WLAST, and an order between the channels that AXI itself does not keep.

    Reads and writes are not ordered by the protocol, so a master that wants what it wrote waits for the answer of the
    write; and before it overwrites what it reads, for the last transfer of the read.
    """

    def __init__(self, dut, size):
        request = ["addr", "len", "size", "burst", "prot", "cache", "id"]
        payloads = {
            "ar": request, "aw": request, "w": ["data", "strb", "last"],
            "r": ["data", "resp", "last", "id"], "b": ["resp", "id"],
        }
        self.by_name = axi_channels(dut, "m_axi", payloads, True)
        self.channels = list(self.by_name.values())
        self.size, self.bytes = size, len(dut.m_axi_wdata) // 8
        self.reads, self.writes = {0: deque(), 1: deque()}, {0: deque(), 1: deque()}
        self.ahead, self.data = deque(), deque()
        self.longest, self.by_id = 0, Counter()
        self.given_up = False

    def cycle(self):
        taken = {name: channel.sample() for name, channel in self.by_name.items()}
        # Answers first: what ends in this cycle was under way when this cycle's requests were made.
        requests = {name: self.request(name, taken[name]) for name in ("ar", "aw") if taken[name]}
        if "aw" in requests:
            self.ahead.append(requests["aw"])
        if taken["w"]:
            require("m_axi w: a byte is not written", taken["w"]["m_axi_wstrb"] == (1 << self.bytes) - 1)
            self.data.append(taken["w"]["m_axi_wlast"])
        self.match()
        if taken["r"]:
            self.read_answer(taken["r"])
        if taken["b"]:
            self.write_answer(taken["b"])

    def request(self, name, pins):
        field = {pin: pins[f"m_axi_{name}{pin}"] for pin in ("addr", "len", "size", "burst", "prot", "cache", "id")}
        first, transfers = field["addr"], field["len"] + 1
        end = first + transfers * self.bytes
        at = f"address {first:#x}, {transfers} transfers"
        require(f"m_axi {name}: SIZE is not the port's", 1 << field["size"] == self.bytes, at)
        require(f"m_axi {name}: BURST is not INCR", field["burst"] == INCR, at)
        require(f"m_axi {name}: PROT, CACHE", (field["prot"], field["cache"]) == (PROT, CACHE), at)
        require(f"m_axi {name}: the address is not aligned", first % self.bytes == 0, at)
        require(f"m_axi {name}: a burst crosses 4 KiB", first // BOUNDARY == (end - 1) // BOUNDARY, at)
        require(f"m_axi {name}: beyond the memory", end <= self.size, at)
        burst = {"first": first, "end": end, "left": transfers, "id": field["id"], "counts": not self.given_up}
        # Writes of one ID are done in order.
        for other in (burst for queue in self.writes.values() for burst in queue):
            apart = end <= other["first"] or other["end"] <= first or (name == "aw" and other["id"] == burst["id"])
            require(f"m_axi {name}: over a write under way", apart, at)
        if name == "aw":
            for other in (burst for queue in self.reads.values() for burst in queue if burst["counts"]):
                require("m_axi aw: over a read under way", end <= other["first"] or other["end"] <= first, at)
        queues = self.reads if name == "ar" else self.writes
        queues[field["id"]].append(burst)
        self.longest = max(self.longest, transfers)
        self.by_id[f"{name} {field['id']}"] += 1
        return burst

    def give_up(self):
        """A soft reset: what is read until a program is loaded again is thrown away, and may be written over."""
        self.given_up = True
        for burst in (burst for queue in self.reads.values() for burst in queue):
            burst["counts"] = False

    def match(self):
        """Write data has no ID: it comes in the order of the addresses, and may come before them."""
        while self.ahead and self.data:
            burst, last = self.ahead[0], self.data.popleft()
            burst["left"] -= 1
            require("m_axi w: WLAST is not the last transfer's", last == (burst["left"] == 0))
            if last:
                self.ahead.popleft()

    def read_answer(self, pins):
        """Within an ID in order; this is a rule for the bench's memory, which must be right to judge the core."""
        queue = self.reads[pins["m_axi_rid"]]
        require("m_axi r: nobody asked", bool(queue))
        queue[0]["left"] -= 1
        require("m_axi r: RLAST is not the last transfer's", pins["m_axi_rlast"] == (queue[0]["left"] == 0))
        if queue[0]["left"] == 0:
            queue.popleft()

    def write_answer(self, pins):
        queue = self.writes[pins["m_axi_bid"]]
        require("m_axi b: before the write's data", bool(queue) and queue[0]["left"] == 0)
        queue.popleft()

    def finish(self):
        left = sum(map(len, [*self.reads.values(), *self.writes.values()]))
        require("m_axi: a burst is not over", left == 0 and not self.data, f"{left}, {len(self.data)} words")


class Monitors:
    """All ports of a core, from the cycle after reset on."""

    def __init__(self, dut, memory_size=0):
        self.dut, self.cycles = dut, 0
        self.port = Port(dut, memory_size) if memory_size else None
        self.ports = [Streams(dut), Lite(dut), *([self.port] if self.port else [])]
        self.task = cocotb.start_soon(self.watch())

    async def watch(self):
        while True:
            await RisingEdge(self.dut.clk)
            self.cycles += 1
            if self.cycles == 1:
                # AXI: VALID is low in reset, so it is low at the first edge behind it.
                for channel in (channel for port in self.ports for channel in port.channels if channel.ours):
                    require(f"{channel.name}: VALID behind reset", not channel.known(channel.valid, "VALID"))
            for port in self.ports:
                port.cycle()
            require("irq is X or Z", self.dut.irq.value.is_resolvable)

    def finish(self):
        self.task.cancel()
        for port in self.ports:
            port.finish()

    def counts(self):
        """Transfers by channel, and cycles in which one waited for READY."""
        channels = [channel for port in self.ports for channel in port.channels]
        return {channel.name: channel.transfers for channel in channels}, sum(channel.waits for channel in channels)
