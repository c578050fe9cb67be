"""Makes all hashes of a design folder anew, as whoever changes its files can.

    reseal.py DIR [FIELD=JSON...]

A field of the manifest, such as array.ci, is changed before.
"""

import hashlib
import json
import pathlib
import sys


def sha(data):
    return hashlib.sha256(data).hexdigest()


folder = pathlib.Path(sys.argv[1])
path = folder / "manifest.json"
manifest = json.loads(path.read_text())
for change in sys.argv[2:]:
    name, value = change.split("=", 1)
    at = manifest
    *above, last = name.split(".")
    for part in above:
        at = at[part]
    at[last] = json.loads(value)
config = sha(json.dumps(manifest["array"], separators=(",", ":")).encode())
manifest["config_hash"] = config
if "files" in manifest:
    for name in manifest["files"]:
        data = (folder / name).read_bytes()
        manifest["files"][name] = {"bytes": len(data), "sha256": sha(data)}
    for field, program in [("program_hash", "program.bin"), ("trace_hash", "trace.bin")]:
        bound = ["network.json", "weights.bin", "plan.json", program]
        lines = [f"array {config}"] + [f"{n} {manifest['files'][n]['sha256']}" for n in bound]
        manifest[field] = sha("".join(line + "\n" for line in lines).encode())
    manifest["manifest_hash"] = ""
    form = lambda: json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"
    manifest["manifest_hash"] = sha(form())
    path.write_bytes(form())
else:  # Format 1.
    for field, name in [("program_hash", "program.bin"), ("trace_hash", "trace.bin"), ("verilog_hash", "spikegate.v")]:
        manifest[field] = sha((folder / name).read_bytes())
    path.write_text(json.dumps(manifest, indent=2))
