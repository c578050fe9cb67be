"""Runs that are broken off, by a memory that refuses a transfer and by the host: no result comes of them.

A refusal is named by `error`. Bursts under way at that moment end as the protocol wants, and the next image is right.
"""

import random

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiResp

import host
from bench import Bench

WEIGHTS, MAPS = 0, 1


async def until_error(bench, what):
    """The error register, once it is not 0."""
    for _ in range(4000):
        error = await bench.host.read(host.ERROR)
        if error:
            return error
    raise host.Wrong(f"{what}: no error is reported")


async def refused(bench, what, refusals, alone=True):
    """What the core says of a refused transfer, and what it does not do."""
    core = bench.host
    error = await until_error(bench, what)
    assert refusals.given, "an error without a refusal"
    await bench.within(core.source.wait())
    # Frames that come behind the reset are refused too, since they are not frame 0.
    bench.equal(f"{what}: error", error if alone else error & host.ERROR_MEMORY, host.ERROR_MEMORY)
    await ClockCycles(bench.dut.clk, 200)
    status = await core.read(host.STATUS)
    bench.equal(f"{what}: busy", status & 1, 0)
    bench.equal(f"{what}: results", await core.read(host.IMAGES_SENT), 0)
    bench.equal(f"{what}: packets", core.sink.count(), 0)
    # No image is taken while the error stands.
    await core.write(host.PROGRAM_HASH, bench.told["program_hash"])
    bench.equal(f"{what}: program", await core.read(host.PROGRAM_HASH), 0)
    await core.write(host.ERROR, 0xFFFF_FFFF)
    bench.equal(f"{what}: error, cleared", await core.read(host.ERROR), 0)
    await bench.reset()


@cocotb.test()
@cocotb.parametrize((("response", "pauses"), [(AxiResp.SLVERR, "none"), (AxiResp.DECERR, "random")]))
async def refusals(dut, response, pauses):
    """One refusal of each kind: reads of weights and maps, writes of maps and of the program; then an image."""
    bench = Bench(dut, f"{response.name}, pauses {pauses}", refusing=True, seed=3)
    draw, core, memory = random.Random(int(response)), bench.host, bench.memory
    bench.pause(pauses)
    await bench.start()
    await bench.load()
    writes = bench.monitors.port.by_id["aw 0"]
    reads, answers = memory.read_if.refusals, memory.write_if.refusals
    kinds = [("weights", reads, WEIGHTS), ("maps, read", reads, MAPS), ("maps, written", answers, MAPS)]
    for what, refusals, identity in kinds:
        refusals.refuse(response, identity, draw.randrange(8))
        core.send_image(0, 0)
        await refused(bench, what, refusals)
        await bench.load()
    # Writes of the program: any of them, and the last.
    for what, after in [("program", draw.randrange(writes)), ("program's end", writes - 1)]:
        answers.refuse(response, WEIGHTS, after)
        await core.write(host.PROGRAM_HASH, 0)
        for packet in host.program(bench.told["design"]):
            core.send(packet)
        await refused(bench, what, answers, alone=False)
    await bench.load()
    await bench.classify(1)
    await bench.finish(refused=len(kinds) + 2)


@cocotb.test()
async def soft_resets(dut):
    """The host resets the core in the middle of images, with bursts of each kind under way at a slow memory."""
    bench = Bench(dut, "soft resets, pauses random", shuffled=True, seed=7)
    draw, core = random.Random(11), bench.host
    bench.pause("random")
    await bench.start()
    port = bench.monitors.port

    async def begun(bursts):
        while not bursts:
            await ClockCycles(dut.clk, 1)

    kinds = [port.reads[WEIGHTS], port.writes[MAPS], port.writes[MAPS], port.reads[MAPS]]
    for bursts in kinds:
        await bench.load()
        core.send_image(0, 0)
        await bench.within(begun(bursts))
        await ClockCycles(dut.clk, draw.randrange(20))
        await bench.reset()
        bench.equal("results", await core.read(host.IMAGES_SENT), 0)
        await bench.within(core.source.wait())
        await bench.reset()
    await bench.load()
    await bench.classify(1)
    await bench.finish(resets=len(kinds))
