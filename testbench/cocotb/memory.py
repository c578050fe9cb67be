"""The external memory of a core: cocotbext-axi's, plain, or with answers out of order between IDs and refusals."""

import random
from collections import deque

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiBus, AxiRam, AxiRamRead, AxiRamWrite, AxiResp

# Weights lie from 64 KiB on, behind the ring of spilled maps.
SIZE = 1 << 20
# Cycles until an answer may come, at least and at most, by ID. Weights (0) are slow, so that maps (1) overtake them.
PROMPT, SHUFFLED = ((4, 4), (4, 4)), ((200, 1500), (0, 100))


class Refusals:
    """Which answer is refused: one with this ID, behind `after` others of it."""

    def __init__(self):
        self.response = None

    def refuse(self, response, identity, after=0):
        self.response, self.identity, self.after = response, identity, after

    @property
    def given(self):
        return self.response is None

    def next(self, identity):
        if self.given or identity != self.identity:
            return AxiResp.OKAY
        self.after -= 1
        if self.after >= 0:
            return AxiResp.OKAY
        response, self.response = self.response, None
        return response


class Reads(AxiRamRead):
    """Reads whose transfers come in order within an ID, and in any order between IDs, also within a burst."""

    def __init__(self, *args, latency=PROMPT, seed=0, **kwargs):
        self.latency, self.draw, self.refusals = latency, random.Random(seed), Refusals()
        self.overtakes, self.interleaved = 0, 0
        super().__init__(*args, **kwargs)

    def take(self, request, cycle):
        transfers = int(request.arlen) + 1
        due = cycle + self.draw.randint(*self.latency[int(request.arid)])
        self.waiting.append([int(request.arid), int(request.araddr), transfers, transfers, due])

    async def _process_read(self):
        self.waiting, cycle, edge = [], 0, RisingEdge(self.clock)
        while True:
            while not self.ar_channel.empty():
                self.take(self.ar_channel.recv_nowait(), cycle)
            first = {}
            for burst in self.waiting:
                first.setdefault(burst[0], burst)
            ready = [burst for burst in first.values() if burst[4] <= cycle]
            if ready and not self.r_channel.full():
                await self.answer(self.draw.choice(ready))
            else:
                await edge
                cycle += 1

    async def answer(self, burst):
        identity, address, left, _, _ = burst
        self.overtakes += burst is not self.waiting[0]
        self.interleaved += any(other is not burst and 0 < other[2] < other[3] for other in self.waiting)
        transfer = self.r_channel._transaction_obj()
        transfer.rid, transfer.rlast = identity, left == 1
        transfer.rdata = int.from_bytes(await self._read(address, self.byte_lanes), "little")
        transfer.rresp = self.refusals.next(identity)
        await self.r_channel.send(transfer)
        burst[1], burst[2] = address + self.byte_lanes, left - 1
        if left == 1:
            self.waiting.remove(burst)


class Writes(AxiRamWrite):
    """Writes whose answers come late, in order within an ID and in any order between IDs."""

    def __init__(self, *args, latency=PROMPT, seed=0, **kwargs):
        self.latency, self.draw, self.refusals = latency, random.Random(seed), Refusals()
        super().__init__(*args, **kwargs)

    async def _process_write(self):
        done = deque()
        cocotb.start_soon(self.answer(done))
        while True:
            request = await self.aw_channel.recv()
            address = int(request.awaddr)
            for left in range(int(request.awlen), -1, -1):
                word = await self.w_channel.recv()
                assert int(word.wlast) == (left == 0) and int(word.wstrb) == self.strb_mask
                await self._write(address, int(word.wdata).to_bytes(self.byte_lanes, "little"))
                address += self.byte_lanes
            done.append([int(request.awid), self.draw.randint(*self.latency[int(request.awid)])])

    async def answer(self, done):
        while True:
            await RisingEdge(self.clock)
            first = {}
            for answer in done:
                answer[1] -= 1
                first.setdefault(answer[0], answer)
            ready = [answer for answer in first.values() if answer[1] < 0]
            if ready and not self.b_channel.full():
                answer = self.draw.choice(ready)
                done.remove(answer)
                transfer = self.b_channel._transaction_obj()
                transfer.bid, transfer.bresp = answer[0], self.refusals.next(answer[0])
                await self.b_channel.send(transfer)


class Memory:
    """A memory of 1 MiB behind the port; `shuffled` answers late and out of order; plain it is AxiRam."""

    def __init__(self, dut, shuffled=False, refusing=False, seed=0):
        bus = AxiBus.from_prefix(dut, "m_axi")
        if not (shuffled or refusing):
            ram = AxiRam(bus, dut.clk, dut.rst, size=SIZE)
            self.read_if, self.write_if = ram.read_if, ram.write_if
            return
        latency = SHUFFLED if shuffled else PROMPT
        self.write_if = Writes(bus.write, dut.clk, dut.rst, size=SIZE, latency=latency, seed=seed)
        self.read_if = Reads(bus.read, dut.clk, dut.rst, mem=self.write_if.mem, latency=latency, seed=seed + 1)

    def channels(self):
        return {
            "m_axi aw": self.write_if.aw_channel, "m_axi w": self.write_if.w_channel,
            "m_axi b": self.write_if.b_channel,
            "m_axi ar": self.read_if.ar_channel, "m_axi r": self.read_if.r_channel,
        }
