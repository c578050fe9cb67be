"""Seeds the faults of mutations.toml one at a time and sees that their tests fail.

Works on a copy of the committed and uncommitted sources in a folder of its own, so the project is not
touched.  Prints a line per fault; ends with status 1 when a fault was not caught, did not apply or did
not compile.
"""

import argparse
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def cargo(mutation, folder, *arguments):
    """`cargo test` of the mutation's package and test."""
    command = ["cargo", "test", "--quiet", "-p", mutation["package"]]
    command += ["--test", mutation["test"]] if mutation.get("test") else ["--lib"]
    return subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True)


def outcome(mutation, folder):
    """What came of one fault: "caught", or why not."""
    path = folder / mutation["file"]
    source = path.read_text()
    if source.count(mutation["find"]) != 1:
        return f"NOT APPLIED: {source.count(mutation['find'])} places instead of 1"
    path.write_text(source.replace(mutation["find"], mutation["replace"]))
    try:
        built = cargo(mutation, folder, "--no-run")
        if built.returncode:
            return f"NOT COMPILED: {built.stderr.strip().splitlines()[-1]}"
        ran = cargo(mutation, folder, *([mutation["filter"]] if "filter" in mutation else []))
        # 101: a test failed. Anything else is not a verdict on the fault.
        return "caught" if ran.returncode == 101 and "FAILED" in ran.stdout else "NOT CAUGHT"
    finally:
        path.write_text(source)


def copy(folder):
    """The project's sources in `folder`. What is there and equal keeps its time, so that cargo builds no more than it must."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    names = [name for name in names if (PROJECT / name).is_file()]
    for name in names:
        here, there = PROJECT / name, folder / name
        if not there.is_file() or there.read_bytes() != here.read_bytes():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(here, there)
    # A file that the project has no more must not stay; what cargo built may.
    kept = {folder / name for name in names}
    for top in folder.iterdir():
        for old in [top, *top.rglob("*")] if top.name != "target" else []:
            if old.is_file() and old not in kept:
                old.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help="only faults whose file or description holds one of these")
    parser.add_argument("--folder", default=PROJECT / "out" / "mutations", type=Path, help="where the copy is kept")
    args = parser.parse_args()
    with open(Path(__file__).with_name("mutations.toml"), "rb") as file:
        mutations = tomllib.load(file)["mutation"]
    copy(args.folder)
    survivors = 0
    for mutation in mutations:
        if any(word in mutation["file"] or word in mutation["why"] for word in args.only or [""]):
            said = outcome(mutation, args.folder)
            survivors += said != "caught"
            print(f"{mutation['file']}: {mutation['why']}: {said}", flush=True)
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main()
