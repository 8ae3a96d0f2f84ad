"""One field of a package's target, for tools/package: `target_field.py bookworm suite|python|numpy|depends|...`."""

from __future__ import annotations

import sys
from pathlib import Path

import tomli

ROOT = Path(__file__).resolve().parents[2]


def main(target: str, field: str) -> int:
    """Print it; dependencies are one a line, as pip takes them."""
    targets = tomli.loads((ROOT / "tools/packaging/targets.toml").read_text())
    if target not in targets:
        print(f"tools/package: {target}: unknown target; known are {', '.join(targets)}", file=sys.stderr)
        return 2
    settings = targets[target]
    system_numpy = settings["numpy"] == "system"
    if field == "depends":
        print("python3-numpy (>= 1:1.23), " if system_numpy else "")
    elif field == "dependencies":
        project = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]
        needed = [line.partition(";")[0].strip() for line in project["dependencies"] if "numpy" not in line]
        if settings["python"] != "3.10":  # the one marker in the list
            needed = [line for line in needed if not line.startswith("tomli")]
        print("\n".join([*needed, *([] if system_numpy else [settings["numpy"]])]))
    else:
        print(settings.get(field, target if field == "suite" else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
