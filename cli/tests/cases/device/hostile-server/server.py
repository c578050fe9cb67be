"""A card that is none: server.py ATTACK SOCKET. Serves one driver."""
import array, os, socket, struct, sys

attack, path = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
driver = listener.accept()[0]


def answer(number, command, body=b"", flags=1, error=0, size=None):
    size = 16 + len(body) if size is None else size
    driver.sendall(struct.pack("<HHIII", number, command, size, flags, error) + body)


def forever():
    while True:
        driver.sendall(bytes(1 << 16))


def region(index):
    size = {0: 1 << 16, 1: 1 << 16, 7: 4096}.get(index, 0)
    flags = 3
    if attack == "small-registers" and index == 0:
        size = 16
    if attack == "small-engine" and index == 1:
        size = 16
    if attack == "small-configuration" and index == 7:
        size = 0
    if attack == "read-only" and index == 1:
        flags = 1
    return struct.pack("<IIIIQQ", 32, flags, index + (attack == "other-region"), 0, size, 0)


def config(at, size):
    return (struct.pack("<HH", 0x10EE, 0x7024) + bytes(4096))[at : at + size]


def serve():
    if attack == "closes":
        return
    files = []
    while True:
        data, rights, *_ = driver.recvmsg(16, 1024)
        if not data:
            return
        for _, _, given in rights:
            files += array.array("i", given)
        number, command, size, _, _ = struct.unpack("<HHIII", data)
        body = driver.recv(size - 16, socket.MSG_WAITALL) if size > 16 else b""
        if attack == "huge":
            answer(number, command, b"\0\0\1\0", size=0xFFFFFFFF)
            forever()
        if attack == "tiny":
            return answer(number, command, size=8)
        if attack == "garbage":
            return driver.sendall(b"SSH-2.0-OpenSSH_9.2 and more of it\r\n")
        if attack == "half":
            return driver.sendall(b"\0\0\1\0\30")
        if attack == "other-number":
            answer(number + 1, command, b"\0\0\1\0{}\0")
        elif attack == "other-command":
            answer(number, 9, b"\0\0\1\0{}\0")
        elif attack == "request":
            answer(number, command, b"\0\0\1\0{}\0", flags=0)
        elif attack == "no-reason":
            answer(number, command, flags=33)
        elif command == 1:
            answer(number, 1, (b"\7\0\0\0" if attack == "version-7" else b"\0\0\0\0") + b'{"capabilities":{}}\0')
        elif command == 4:
            answer(number, 4, struct.pack("<IIII", 16, 0 if attack == "no-pci" else 3, 9, 5))
        elif command == 5:
            answer(number, 5, region(struct.unpack("<III", body[:12])[2]))
        elif command == 7:
            answer(number, 7, struct.pack("<IIII", 16, 1, 2, 0 if attack == "no-vectors" else 32))
        elif command == 9:
            at, bar, count = struct.unpack("<QII", body)
            value = b"\xff" if attack == "ones" else b"\0"
            if attack == "half-an-answer" and bar == 1:
                return driver.sendall(struct.pack("<HHIII", number, 9, 36, 1, 0) + body)
            if attack == "longer":
                answer(number, 9, body + value * (1 << 20))
            elif attack == "other-place" and bar == 1:
                answer(number, 9, struct.pack("<QII", at + 4, bar, count) + value * count)
            else:
                answer(number, 9, body + (config(at, count) if bar == 7 else value * count))
        elif command == 10:
            answer(number, 10, body[:16])
        else:
            if command == 2 and attack == "cuts-memory":
                try:
                    os.ftruncate(files[0], 0)
                    print("the memory could be cut")
                except PermissionError:
                    pass
            answer(number, command)


try:
    serve()
except (BrokenPipeError, ConnectionResetError):
    pass
