"""A driver that does what no driver should: driver.py ATTACK SOCKET."""
import array, os, socket, struct, sys, time

VERSION, MAP, UNMAP, INFO, REGION, IRQ_INFO, IRQS, READ, WRITE, RESET = 1, 2, 3, 4, 5, 7, 8, 9, 10, 13
attack, path = sys.argv[1:]


class Card:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)

    def send(self, command, body=b"", files=(), size=None, flags=0):
        size = 16 + len(body) if size is None else size
        data = struct.pack("<HHIII", 7, command, size, flags, 0) + body
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
        self.socket.sendmsg([data], rights)

    def take(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                sys.exit("the card has closed")
            data += more
        return data

    def ask(self, command, body=b"", **more):
        """The error of the reply, and its body."""
        self.send(command, body, **more)
        _, _, size, flags, error = struct.unpack("<HHIII", self.take(16))
        return (error if flags & 32 else 0), self.take(size - 16)

    def hello(self):
        assert self.ask(VERSION, b"\0\0\1\0" + b"{}\0")[0] == 0
        return self

    def poke(self, bar, at, value):
        assert self.ask(WRITE, struct.pack("<QIII", at, bar, 4, value))[0] == 0

    def peek(self, bar, at):
        return struct.unpack("<I", self.ask(READ, struct.pack("<QII", at, bar, 4))[1][16:])[0]

    def map(self, file, size):
        return self.ask(MAP, struct.pack("<IIQQQ", 32, 3, 0, 0x100000, size), files=[file])[0]

    def run(self):
        """Starts the host to card channel at the first mapped byte."""
        self.ask(WRITE, struct.pack("<QII", 4, 7, 2) + b"\6\0")
        self.poke(1, 0x4080, 0x100000)
        self.poke(1, 0x4084, 0)
        self.poke(1, 0x0004, 0x00FFFE7F)


def refused(error):
    assert error != 0, "taken"


def descriptor(control, size, source, following):
    return struct.pack("<IIQQQ", 0xAD4B0000 | control, size, source, 0, following)


def closes(data):
    """Sends bytes instead of a version; the card must say no or close, and soon."""
    card = Card()
    try:
        card.socket.sendall(data)
        card.socket.shutdown(socket.SHUT_WR)
        while card.socket.recv(4096):
            pass
    except (BrokenPipeError, ConnectionResetError):
        pass


def version():
    head = lambda size, flags=0: struct.pack("<HHIII", 0, VERSION, size, flags, 0)
    ok = b"\0\0\1\0"
    closes(head(0))
    closes(head(15))
    closes(head(16))
    closes(head(18) + b"\0\0")
    closes(head(22) + ok + b"{}")
    closes(head(23) + ok + b"{{\0")
    closes(head(25) + ok + b"\xff\xfe{}\0")
    closes(head(20 + 2000) + ok + b"[" * 1999 + b"\0")
    closes(head(20 + 5000) + ok + b" " * 4997 + b"{}\0")
    closes(head(0xFFFFFFFF) + ok)
    closes(head(23) + b"\7\0\0\0" + b"{}\0")
    closes(head(23, 16) + ok + b"{}\0")
    closes(head(23, 1) + ok + b"{}\0")
    closes(b"GET / HTTP/1.1\r\nHost: card\r\n\r\n")
    closes(b"")
    closes(struct.pack("<HHIII", 0, READ, 32, 0, 0) + bytes(16))


def messages():
    right = {MAP: 32, UNMAP: 24, INFO: 16, REGION: 32, IRQ_INFO: 16, IRQS: 20, READ: 16, WRITE: 16, RESET: 0}
    for command, size in right.items():
        card = Card().hello()
        for wrong in {0, 1, size - 1, size + 1, size + 5000} - {-1, size}:
            refused(card.ask(command, bytes(wrong))[0])
        card.socket.close()
    card = Card().hello()
    for command in [0, 6, 11, 12, 14, 15, 255, 65535]:
        refused(card.ask(command, bytes(16))[0])
    for region, count in [(0, 0xFFFFFFFF), (1, 1 << 21), (9, 4), (0xFFFFFFFF, 4)]:
        refused(card.ask(READ, struct.pack("<QII", 0, region, count))[0])
    refused(card.ask(WRITE, struct.pack("<QIII", 0, 77, 4, 0))[0])
    refused(card.ask(WRITE, struct.pack("<QIII", 0, 1, 0xFFFFFFFF, 0))[0])
    refused(card.ask(REGION, struct.pack("<IIIIQQ", 32, 0, 99, 0, 0, 0))[0])
    refused(card.ask(IRQ_INFO, struct.pack("<IIII", 16, 0, 99, 0))[0])
    refused(card.ask(IRQS, struct.pack("<IIIII", 20, 36, 2, 31, 2))[0])
    refused(card.ask(IRQS, struct.pack("<IIIII", 20, 36, 2, 0xFFFFFFFF, 1))[0])
    refused(card.ask(IRQS, struct.pack("<IIIII", 20, 36, 99, 0, 1))[0])
    event = os.eventfd(0)
    refused(card.ask(IRQS, struct.pack("<IIIII", 20, 36, 2, 0, 1), files=[event, event])[0])
    refused(card.ask(READ, struct.pack("<QII", 0, 1, 4), files=[event])[0])
    # As on a bus: all ones, or lost.
    for at in [0x10000, 2**63, 2**64 - 1]:
        assert card.ask(READ, struct.pack("<QII", at, 0, 6))[1][16:] == b"\xff" * 6
    assert card.ask(WRITE, struct.pack("<QII", 3, 1, 5) + b"abcde")[0] == 0
    # A message cut off by its sender.
    card.send(WRITE, bytes(10), size=500)
    card.socket.close()
    # Refused without end.
    card = Card().hello()
    try:
        for _ in range(10000):
            card.ask(99)
        sys.exit("never put out")
    except (BrokenPipeError, ConnectionResetError, SystemExit):
        pass


def memory():
    card = Card().hello()
    short = os.memfd_create("short")
    os.ftruncate(short, 4096)
    refused(card.map(short, 1 << 20))
    refused(card.map(os.open("/dev/zero", os.O_RDWR), 4096))
    reader, writer = os.pipe()
    refused(card.map(reader, 4096))
    two = struct.pack("<IIQQQ", 32, 3, 0, 0x200000, 4096)
    refused(card.ask(MAP, two, files=[short, short])[0])
    refused(card.ask(MAP, struct.pack("<IIQQQ", 32, 3, 0, 2**64 - 4096, 8192), files=[short])[0])
    # Long enough, and cut short when the card knows it.
    long = os.memfd_create("long")
    os.ftruncate(long, 1 << 20)
    assert card.map(long, 1 << 20) == 0
    os.ftruncate(long, 0)
    card.run()
    while card.peek(1, 0x40) & 1:
        pass
    assert card.peek(1, 0x44) & 0xF80000, "no descriptor error"


def loop():
    # Descriptors that lead to themselves: without an end, and with one.
    for control in [0, 16]:
        card = Card().hello()
        file = os.memfd_create("loop")
        os.ftruncate(file, 1 << 20)
        os.pwrite(file, descriptor(control, 1 << 16, 0x101000, 0x100000), 0)
        assert card.map(file, 1 << 20) == 0
        card.run()
        time.sleep(1)
        card.socket.close()


def pipe():
    card = Card().hello()
    reader, writer = os.pipe()
    refused(card.ask(IRQS, struct.pack("<IIIII", 20, 36, 2, 0, 1), files=[writer])[0])
    # An event whose counter is full.
    event = os.eventfd(0)
    os.eventfd_write(event, 2**64 - 2)
    assert card.ask(IRQS, struct.pack("<IIIII", 20, 36, 2, 0, 1), files=[event])[0] == 0
    file = os.memfd_create("memory")
    os.ftruncate(file, 4096)
    assert card.map(file, 4096) == 0
    card.poke(1, 0x2010, 3)
    card.poke(1, 0x0090, 0xFFFFFF)
    card.run()
    card.peek(1, 0x40)


def silent():
    # It stays while another one wants to be served.
    card = Card()
    card.socket.sendall(b"\0\0")
    if os.fork() == 0:
        null = os.open("/dev/null", os.O_RDWR)
        for file in range(3):
            os.dup2(null, file)
        time.sleep(15)
        os._exit(0)


def busy():
    card = Card().hello()
    other = Card()
    _, command, size, flags, error = struct.unpack("<HHIII", other.take(16))
    assert (command, flags, error) == (VERSION, 33, 16), "not told"
    assert card.peek(1, 0) >> 16 == 0x1FC0


globals()[attack]()
print("survived", attack)
