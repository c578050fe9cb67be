"""Arrays in NumPy's form, made without NumPy: `make.py FILE DESCR SHAPE [VALUE]`; of a `.npz` several, `NAME DESCR SHAPE VALUE`."""
import io
import struct
import sys
import zipfile

CODES = {"u1": "B", "u2": "H", "i8": "q", "f4": "f", "f8": "d"}


def array(descr, shape, value=None, fortran=False):
    extents = [int(n) for n in shape.split(",")]
    count = 1
    for n in extents:
        count *= n
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({', '.join(map(str, extents))},), }}"
    text = text.ljust((len(text) + 11 + 63) // 64 * 64 - 11) + "\n"
    if value is None:
        values = [(37 * i + 11) % 256 for i in range(count)]
    else:
        values = [type(1.5 if "f" in descr else 1)(value)] * count
    order = ">" if descr[0] == ">" else "<"
    code = CODES.get(descr[-2:])
    data = struct.pack(f"{order}{count}{code}", *values) if code else b"\x80\x02."
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


if __name__ == "__main__":
    name, *rest = sys.argv[1:]
    if name.endswith(".npz"):
        with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as archive:
            for i in range(0, len(rest), 4):
                entry, descr, shape, value = rest[i : i + 4]
                archive.writestr(entry + ".npy", array(descr, shape, None if value == "-" else value))
    else:
        fortran = "fortran" in rest
        open(name, "wb").write(array(*[part for part in rest if part != "fortran"], fortran=fortran))
