"""The host of a core: registers over AXI4-Lite, frames over AXI4-Stream, both driven by cocotbext-axi."""

import struct
import zlib

from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp, AxiStreamBus, AxiStreamSink, AxiStreamSource

from designs import program

# Byte offsets of registers, and bits of `error` (hdl/contract/src/csr.rs).
MAGIC, VERSION, CONFIG_HASH, SCRATCH, CONTROL, STATUS, ERROR = 0x00, 0x04, 0x10, 0x18, 0x1C, 0x20, 0x24
PROGRAM_HASH, IRQ_ENABLE, IRQ_STATUS, IMAGES_SENT, END_OF_REGISTERS = 0x28, 0x2C, 0x30, 0x34, 0x60
MAGIC_VALUE, ERROR_MEMORY = 0x53474143, 1 << 7
# Type bytes of packets (hdl/contract/src/packet.rs).
IMAGE, RESULT = 0x02, 0x81


class Wrong(AssertionError):
    """What the core says is not what was expected."""


def expect(what, got, wanted):
    if got != wanted:
        raise Wrong(f"{what}: got {got}, expected {wanted}")


def seal(number, packet):
    """The frame of a packet: number, length, words, CRC-32."""
    body = struct.pack(f"<{len(packet) + 2}I", number, len(packet), *packet)
    return body + struct.pack("<I", zlib.crc32(body))


def opened(number, frame):
    """The packet of the frame that must be next."""
    words = struct.unpack(f"<{len(frame) // 4}I", frame)
    expect("words of a frame", len(words), words[1] + 3)
    expect("CRC of a frame", words[-1], zlib.crc32(frame[:-4]))
    expect("number of a frame", words[0], number)
    return words[2:-1]


def image_packet(sequence, pixels):
    padded = pixels + bytes(-len(pixels) % 4)
    return [IMAGE << 24, sequence, *struct.unpack(f"<{len(padded) // 4}I", padded)]


def result(packet, sequence):
    """Class, logits and cycles of each instruction."""
    logits = packet[3]
    steps = packet[4 + logits]
    expect("header of a result", packet[0], RESULT << 24 | (len(packet) - 1))
    expect("words of a result", len(packet), 5 + logits + steps)
    expect("sequence number", packet[1], sequence)
    return packet[2], [word - (word >> 31 << 32) for word in packet[4:4 + logits]], packet[5 + logits:]


class Host:
    """Registers and packets of one core."""

    def __init__(self, dut, told):
        self.told = told
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst, byte_lanes=4)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst, byte_lanes=4)
        self.restart()

    def restart(self):
        """Frames are numbered anew after a reset."""
        self.sent = self.got = 0

    def channels(self):
        """Channels of the bench that can pause."""
        write, read = self.lite.write_if, self.lite.read_if
        return {
            "s_axil aw": write.aw_channel, "s_axil w": write.w_channel, "s_axil b": write.b_channel,
            "s_axil ar": read.ar_channel, "s_axil r": read.r_channel, "s_axis": self.source, "m_axis": self.sink,
        }

    async def read(self, address, okay=True):
        answer = await self.lite.read(address, 4)
        expect(f"answer to a read at {address:#x}", answer.resp, AxiResp.OKAY if okay else AxiResp.SLVERR)
        return int.from_bytes(answer.data, "little")

    async def write(self, address, value, okay=True):
        answer = await self.lite.write(address, value.to_bytes(4, "little"))
        expect(f"answer to a write at {address:#x}", answer.resp, AxiResp.OKAY if okay else AxiResp.SLVERR)

    def send(self, packet):
        self.source.send_nowait(seal(self.sent, packet))
        self.sent += 1

    async def receive(self):
        packet = opened(self.got, bytes((await self.sink.recv()).tdata))
        self.got += 1
        return packet

    async def load(self):
        """Memories can be written only while no program is declared."""
        await self.write(PROGRAM_HASH, 0)
        for packet in program(self.told["design"]):
            self.send(packet)
        await self.source.wait()
        expect("error register behind the program", await self.read(ERROR), 0)
        await self.write(PROGRAM_HASH, self.told["program_hash"])
        expect("declared program", await self.read(PROGRAM_HASH), self.told["program_hash"])

    def send_image(self, sequence, which):
        self.send(image_packet(sequence, bytes.fromhex(self.told["images"][which])))

    async def reset(self):
        await self.write(CONTROL, 1)
        self.restart()
