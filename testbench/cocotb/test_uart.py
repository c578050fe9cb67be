"""A board at its serial pins: cocotbext-uart as the host's line, the protocol of hdl/contract/src/uart.rs on it."""

import logging
import os
import struct
import zlib
import json

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, with_timeout
from cocotbext.uart import UartSink, UartSource

import host
from bench import told
from designs import program

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD
READ, WRITE, SEND, RECEIVE, POLL, FLUSH, SPEED, REPLY, NAK = 1, 2, 3, 4, 5, 6, 7, 0x80, 0xFF
DONE, FULL, BUS, UNKNOWN = range(4)
PERIOD, DIVIDER, FAST = 40, 25, 4  # ns of the board's clock; its cycles in a bit, before and after a change of speed
MOST_WORDS = 256


def framed(words):
    plain = struct.pack(f"<{len(words)}I", *words)
    plain += struct.pack("<I", zlib.crc32(plain))
    escaped = plain.replace(bytes([ESC]), bytes([ESC, ESC_ESC])).replace(bytes([END]), bytes([ESC, ESC_END]))
    return bytes([END]) + escaped + bytes([END])


def unframed(body):
    plain = body.replace(bytes([ESC, ESC_END]), bytes([END])).replace(bytes([ESC, ESC_ESC]), bytes([ESC]))
    host.expect("CRC of a reply", struct.unpack("<I", plain[-4:])[0], zlib.crc32(plain[:-4]))
    return struct.unpack(f"<{len(plain) // 4 - 1}I", plain[:-4])


class Line:
    """Requests and replies over the pins."""

    def __init__(self, dut):
        self.dut, self.sequence, self.bytes, self.compared = dut, 0, 0, 0
        self.source = self.sink = None
        self.speed(DIVIDER)

    def speed(self, divider):
        """cocotbext-uart is built for one speed."""
        for end in (self.source, self.sink):
            if end:
                end._run_cr.cancel()
        baud = 10**9 // (divider * PERIOD)
        self.source, self.sink = UartSource(self.dut.uart_rx, baud=baud), UartSink(self.dut.uart_tx, baud=baud)
        for end in (self.source, self.sink):
            end.log.setLevel(logging.WARNING)

    async def reply(self):
        async def frame():
            body = bytearray()
            while True:
                byte = (await self.sink.read(1))[0]
                self.bytes += 1
                if byte != END:
                    body.append(byte)
                elif body:
                    return unframed(bytes(body))

        return await with_timeout(frame(), 2_000_000, "ns")

    async def raw(self, data):
        self.bytes += len(data)
        await self.source.write(data)
        return await self.reply()

    async def ask(self, kind, payload=(), last=False, outcome=DONE, again=False):
        """The reply's payload behind the state word, and whether it ends a packet."""
        self.sequence = (self.sequence + (not again)) & 0xFF
        header = kind | self.sequence << 8 | len(payload) << 16 | last << 31
        reply = await self.raw(framed([header, *payload]))
        head = reply[0]
        self.equal("kind of a reply", head & 0xFF, kind | REPLY)
        self.equal("sequence of a reply", head >> 8 & 0xFF, self.sequence)
        self.equal("words of a reply", head >> 16 & 0x1FF, len(reply) - 1)
        self.equal("outcome", head >> 25 & 7, outcome)
        return reply[2:], head >> 31

    def equal(self, what, got, wanted):
        host.expect(what, got, wanted)
        self.compared += 1

    async def read(self, address):
        return (await self.ask(READ, [address]))[0][0]

    async def send(self, words):
        for at in range(0, len(words), MOST_WORDS):
            await self.ask(SEND, words[at:at + MOST_WORDS], at + MOST_WORDS >= len(words))

    async def receive(self):
        words, last = [], False
        while not last:
            more, last = await self.ask(RECEIVE)
            words += more
        return words


def words_of(frame):
    return struct.unpack(f"<{len(frame) // 4}I", frame)


@cocotb.test()
async def pins(dut):
    """Registers, refusals, damage, repeats and a change of speed; then the program and an image."""
    design = told()
    clock = Clock(dut.clock, PERIOD, unit="ns")
    clock.start()
    dut.uart_rx.value, dut.reset.value = 1, 1
    await ClockCycles(dut.clock, 10)
    dut.reset.value = 0
    await ClockCycles(dut.clock, 10)
    line = Line(dut)
    line.equal("magic", await line.read(host.MAGIC), host.MAGIC_VALUE)
    line.equal("configuration", await line.read(host.CONFIG_HASH), design["config_hash"])
    # All byte values go over the line, the two that are escaped among them.
    for value in (0xC0DB_DCDD, 0x0055_AAFF):
        await line.ask(WRITE, [host.SCRATCH, value])
        line.equal("scratch", await line.read(host.SCRATCH), value)
    await line.ask(READ, [host.END_OF_REGISTERS], outcome=BUS)
    await line.ask(READ, [0x100], outcome=BUS)
    await line.ask(0x08, outcome=UNKNOWN)
    # A damaged frame is answered at once, and changes nothing; a request that comes twice is carried out once.
    good = framed([WRITE | 99 << 8 | 2 << 16, host.SCRATCH, 7])
    for at in (3, 9, len(good) - 3):
        bad = bytearray(good)
        bad[at] ^= 0x10
        line.equal("answer to damage", (await line.raw(bytes(bad)))[0] & 0xFF, NAK)
    line.equal("scratch behind damage", await line.read(host.SCRATCH), 0x0055_AAFF)
    line.equal("damage seen at the pin", int(dut.led.value) >> 1 & 1, 1)
    line.equal("damaged frames", (await line.raw(framed([POLL | 98 << 8])))[1] >> 24, 3)
    await line.ask(WRITE, [host.SCRATCH, 1])
    await line.ask(WRITE, [host.SCRATCH, 2], again=True)
    line.equal("scratch behind a repeat", await line.read(host.SCRATCH), 1)
    line.equal("cycles of a bit", (await line.ask(SPEED, [FAST]))[0], (DIVIDER,))
    await ClockCycles(dut.clock, 20 * DIVIDER)
    line.speed(FAST)
    await line.ask(WRITE, [host.PROGRAM_HASH, 0])
    for number, packet in enumerate(packets := program(design["design"])):
        await line.send(words_of(host.seal(number, packet)))
    line.equal("error behind the program", await line.read(host.ERROR), 0)
    await line.ask(WRITE, [host.PROGRAM_HASH, design["program_hash"]])
    await line.send(words_of(host.seal(len(packets), host.image_packet(0, bytes.fromhex(design["images"][0])))))
    frame = await line.receive()
    which, logits, steps = host.result(host.opened(0, struct.pack(f"<{len(frame)}I", *frame)), 0)
    wanted = design["expected"][0]
    line.equal("class", which, wanted["class"])
    line.equal("logits", logits, wanted["logits"])
    line.equal("cycles", sum(steps), wanted["cycles"])
    line.equal("error behind the image", await line.read(host.ERROR), 0)
    record = {
        "form": "uart, at the pins", "images": 1, "compared": line.compared + len(logits) - 1, "held": 0, "waits": 0,
        "cycles": int(cocotb.utils.get_sim_time("ns")) // PERIOD, "transfers": {"bytes": line.bytes},
    }
    with open(os.environ["SPIKEGATE_COUNTS"], "a") as out:
        out.write(json.dumps(record) + "\n")
