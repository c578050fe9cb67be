#!/usr/bin/env python3
"""Runs the foreign test bench: emits designs, simulates them in Icarus Verilog, prints what was checked.

Exit codes: 0 all is equal, 1 a check failed or none was made, 2 wrong usage, 3 a tool is missing.
"""

import argparse
import importlib.util
import json
import resource
import shutil
import sys
import tempfile
import xml.etree.ElementTree as xml
from pathlib import Path

HERE = Path(__file__).resolve().parent
NEEDED = {"cocotb": "cocotb", "cocotbext.axi": "cocotbext-axi", "cocotbext.uart": "cocotbext-uart"}

# Name, form, module, which of its tests, images each; the short ones come first.
RUNS = [
    ("resident", "resident", "test_core", "images", 3),
    ("registers", "resident", "test_core", "registers", 1),
    ("spill", "spill", "test_core", "images", 2),
    ("shuffled", "spill", "test_core", "shuffled", 2),
    ("errors", "spill", "test_errors", "", 1),
    ("memory", "memory", "test_core", "images", 2),
    ("long", "long", "test_core", "images", 1),
    ("batch", "batch", "test_core", "images|shuffled", 4),
    ("uart", "resident", "test_uart", "", 1),
]
SHORT = [
    ("resident", "resident", "test_core", "images.*bursty", 2),
    ("shuffled", "spill", "test_core", "shuffled", 1),
]


def spent():
    """Seconds of processor time of simulators and tools so far: what a busy machine does not change."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def missing():
    """What has to be installed, in words."""
    found = []
    for module, package in NEEDED.items():
        try:
            if importlib.util.find_spec(module) is None:
                found.append(package)
        except ModuleNotFoundError:
            found.append(package)
    return found + [tool for tool in ("iverilog", "vvp") if shutil.which(tool) is None]


class Simulation:
    """One Verilog text with one test module in Icarus."""

    def __init__(self, work, name, text, top):
        from cocotb_tools.runner import get_runner

        self.folder, self.top = work / "sim" / name.replace(" ", "_"), top
        self.folder.mkdir(parents=True, exist_ok=True)
        source = self.folder / "core.v"
        source.write_text(text)
        self.runner = get_runner("icarus")
        self.runner.build(
            sources=[source], hdl_toplevel=top, build_dir=self.folder, always=True, timescale=("1ns", "1ps"),
            build_args=["-g2012"], log_file=self.folder / "build.log",
        )

    def test(self, module, tests, form, told, images):
        """Records of the tests that passed, and what the first failure says, or nothing."""
        counts, results = self.folder / "counts.json", self.folder / "results.xml"
        counts.unlink(missing_ok=True)
        environment = {
            "SPIKEGATE_TOLD": told, "SPIKEGATE_FORM": form, "SPIKEGATE_IMAGES": images, "SPIKEGATE_COUNTS": counts,
            "PYTHONPATH": f"{HERE}", "COCOTB_LOG_LEVEL": "WARNING",
        }
        try:
            self.runner.test(
                test_module=module, hdl_toplevel=self.top, build_dir=self.folder, test_dir=self.folder,
                results_xml=str(results), log_file=self.folder / "test.log", test_filter=tests or None,
                extra_env={key: str(value) for key, value in environment.items()},
            )
        except (SystemExit, RuntimeError):
            pass  # The results say it.
        records = [json.loads(line) for line in counts.read_text().splitlines()] if counts.exists() else []
        if not results.exists():
            return records, f"the simulation broke off, see {self.folder / 'test.log'}"
        cases = xml.parse(results).getroot().findall(".//testcase")
        failures = [failure for case in cases for failure in case if failure.tag in ("failure", "error")]
        passed = sum(1 for case in cases if case.find("skipped") is None)
        if failures:
            return records, said(failures[0])
        return records, None if records and passed == len(records) else f"{passed} tests passed, {len(records)} records"


def said(failure):
    """What a failure says, in a line."""
    kind = failure.get("error_type") or failure.get("type") or "failed"
    first = (failure.get("error_msg") or failure.get("message") or "").strip().split("\n")[0]
    return kind if not first or first.startswith("Traceback") else f"{kind}: {first}"


def table(records):
    """One row a test: what was checked, cycles in which the bench held a channel and in which one waited for READY."""
    columns = ("images", "compared", "cycles", "held", "waits")
    known = {"form", "transfers", *columns}
    print(f"\n{'form':<34}" + "".join(f"{column:>10}" for column in columns))
    for record in records:
        print(f"{record['form']:<34}" + "".join(f"{record[column]:>10}" for column in columns))
        print("    transfers: " + ", ".join(f"{name} {count}" for name, count in record["transfers"].items()))
        if more := [f"{key} {value}" for key, value in record.items() if key not in known]:
            print("    " + ", ".join(more))
    print(f"{'all':<34}" + "".join(f"{sum(record[column] for record in records):>10}" for column in columns))


def forms(options, work):
    """Runs the chosen forms; what failed."""
    import designs

    records, failed = [], []
    for name, form, module, tests, images in SHORT if options.short else RUNS:
        if options.only and name not in options.only:
            continue
        begin = spent()
        told = designs.emit(options.spikegate, work, form)
        text, top = designs.board(options.spikegate, work, told) if module == "test_uart" else designs.verilog(told)
        got, why = Simulation(work, name, text, top).test(module, tests, form, told, images)
        records += got
        print(f"{name}: {why or 'equal'} ({spent() - begin:.0f} s)", flush=True)
        if why:
            failed.append(name)
    if records:
        table(records)
    return failed if records else failed + ["nothing was checked"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spikegate", required=True, type=Path, help="the command line's program")
    names = [*(run[0] for run in RUNS), "structure"]
    parser.add_argument("--only", nargs="+", choices=names, help="these alone")
    parser.add_argument("--short", action="store_true", help="two forms, a few images, under a minute")
    parser.add_argument("--faults", nargs="*", metavar="NAME", help="put in faults and find each: these, or all")
    parser.add_argument("--work", type=Path, help="folder for designs and simulations; a temporary one without it")
    options = parser.parse_args()
    if lacks := missing():
        print(f"SKIPPED, nothing was checked: {', '.join(lacks)} not installed, see README.md", file=sys.stderr)
        return 3
    options.spikegate = options.spikegate.resolve()
    sys.path.insert(0, str(HERE))
    import designs
    import faults
    import structure

    with tempfile.TemporaryDirectory() as scratch:
        work = (options.work or Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        try:
            if options.faults is not None:
                begin = spent()
                failed = faults.run(options, work, Simulation)
                print(f"{spent() - begin:.0f} s")
            else:
                failed = [] if options.only == ["structure"] else forms(options, work)
                if not options.short and (not options.only or "structure" in options.only):
                    failed += structure.run(options.spikegate, work)
        except designs.Failed as error:
            failed = [str(error)]
    for name in failed:
        print(f"FAILED: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
