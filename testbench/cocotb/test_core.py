"""A core as its users see it: program, images and registers, with every kind of pause."""

import os

import cocotb
from cocotb.triggers import ClockCycles

import host
from bench import PAUSES, Bench

FORM = os.environ["SPIKEGATE_FORM"]
COUNT = int(os.environ["SPIKEGATE_IMAGES"])


@cocotb.test()
@cocotb.parametrize(pauses=PAUSES)
async def images(dut, pauses):
    """Several images back to back: every class and logit. Without a memory also every cycle: no pause is counted."""
    bench = Bench(dut, f"{FORM}, pauses {pauses}")
    bench.pause(pauses)
    await bench.start()
    await bench.load()
    await bench.classify(COUNT, cycles=bench.memory is None)
    if bench.memory:
        port = bench.monitors.port
        assert port.by_id["ar 0"] and port.by_id["aw 0"], "no weights over the port"
        if "spill_depth" in bench.told["array"]:
            assert port.by_id["ar 1"] and port.by_id["aw 1"], "no maps over the port"
    await bench.finish()


@cocotb.test()
async def shuffled(dut):
    """Answers of one ID in order, of two in any, transfer by transfer, and late."""
    bench = Bench(dut, f"{FORM}, out of order", shuffled=True, seed=5)
    await bench.start()
    await bench.load()
    await bench.classify(COUNT)
    reads = bench.memory.read_if
    assert reads.overtakes and reads.interleaved, f"in order: {reads.overtakes}, {reads.interleaved}"
    await bench.finish(overtakes=reads.overtakes, interleaved=reads.interleaved)


@cocotb.test()
@cocotb.parametrize(pauses=("none", "random"))
async def registers(dut, pauses):
    """What the register map says of registers, and of accesses that are none of a whole register."""
    bench = Bench(dut, f"registers, pauses {pauses}")
    bench.pause(pauses, seed=9)
    await bench.start()
    core, told, lite = bench.host, bench.told, bench.host.lite
    array = told["array"]
    sizes = array["lanes"] | array["pixels"] << 8 | array["ci"] << 16 | array["co"] << 24
    for address, value in [
        (host.MAGIC, host.MAGIC_VALUE), (host.VERSION, told["interface_version"]), (0x08, sizes), (0x0C, array["post"]),
        (host.CONFIG_HASH, told["config_hash"]), (host.CONTROL, 0), (host.ERROR, 0), (host.IMAGES_SENT, 0), (0x54, 1),
    ]:
        bench.equal(f"register {address:#x}", await core.read(address), value)
        # A read-only register takes a write, and is what it was.
        if address not in (host.CONTROL, host.ERROR):
            await core.write(address, 0xFFFF_FFFF)
            bench.equal(f"register {address:#x} behind a write", await core.read(address), value)
    for address in range(0, 0x100, 4):
        known = address < host.END_OF_REGISTERS
        value = await core.read(address, okay=known)
        if not known:
            bench.equal(f"nothing at {address:#x}", value, 0)
            await core.write(address, 1, okay=False)
    # The two low bits of an address are ignored: an access is one of the word that holds its bytes, of those strobed.
    await core.write(host.SCRATCH, 0x4433_2211)
    for first in range(4):
        for count in range(1, 5 - first):
            want = 0x4433_2211.to_bytes(4, "little")[first:first + count]
            got = await lite.read(host.SCRATCH + first, count)
            bench.equal(f"{count} bytes from byte {first}", bytes(got.data), want, count)
    word = bytearray(0x4433_2211.to_bytes(4, "little"))
    for first in range(4):
        for count in range(1, 5 - first):
            fresh = bytes(0x50 + 16 * first + 4 * count + i for i in range(count))
            word[first:first + count] = fresh
            bench.equal("answer", (await lite.write(host.SCRATCH + first, fresh)).resp, 0)
            bench.equal("strobed bytes", await core.read(host.SCRATCH), int.from_bytes(word, "little"))
    # A whole word is read and written behind an address whose low bits are set.
    lite.write_if.aw_channel.send_nowait(lite.write_if.aw_channel._transaction_obj(awaddr=host.SCRATCH + 3, awprot=0))
    lite.write_if.w_channel.send_nowait(lite.write_if.w_channel._transaction_obj(wdata=0x0BAD_F00D, wstrb=15))
    bench.equal("raw write", int((await bench.within(lite.write_if.b_channel.recv())).bresp), 0)
    lite.read_if.ar_channel.send_nowait(lite.read_if.ar_channel._transaction_obj(araddr=host.SCRATCH + 1, arprot=0))
    bench.equal("raw read", int((await bench.within(lite.read_if.r_channel.recv())).rdata), 0x0BAD_F00D)
    await refused_frames(bench)
    await bench.finish()


async def refused_frames(bench):
    """Each damage of a frame sets its bit of `error`; nothing is computed; a soft reset mends it."""
    core = bench.host
    packet = host.image_packet(0, bytes.fromhex(bench.told["images"][0]))
    whole = host.seal(0, packet)
    damaged = {
        3: whole[:20] + bytes([whole[20] ^ 1]) + whole[21:],
        4: host.seal(1, packet),
        5: whole,
        1: whole[:-8] + whole[-4:],
        0: host.seal(0, [0x77 << 24, *packet[1:]]),
    }
    for bit, frame in damaged.items():
        core.source.send_nowait(frame)
        await bench.within(core.source.wait())
        await ClockCycles(bench.dut.clk, 20)
        error = await core.read(host.ERROR)
        bench.equal(f"error bit {bit}", error >> bit & 1, 1)
        await core.write(host.ERROR, error)
        bench.equal("error, cleared", await core.read(host.ERROR), 0)
        bench.equal("results", await core.read(host.IMAGES_SENT), 0)
        await bench.reset()
    # The reset core is as good as new. Results also raise the interrupt, where it is enabled.
    await core.write(host.IRQ_ENABLE, 1)
    bench.equal("interrupt", int(bench.dut.irq.value), 0)
    await bench.load()
    await bench.classify(1)
    bench.equal("interrupt", int(bench.dut.irq.value), 1)
    await core.write(host.IRQ_STATUS, 1)
    bench.equal("interrupt, cleared", int(bench.dut.irq.value), 0)
    bench.equal("results", await core.read(host.IMAGES_SENT), 1)
