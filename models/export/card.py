"""The tables of a model card: `python card.py FIGURES.json` prints Markdown for score.py's figures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

_HEAD = (
    "| condition | patches | people | balanced accuracy (95 %) | AUC | judged outside 0.3-0.7 "
    "| balanced accuracy there |\n"
    "|---|---|---|---|---|---|---|"
)
_NAMES = {
    "glasses": {"0": "without glasses", "1": "with glasses"},
    "reflections": {"0": "no reflections", "1": "small reflections", "2": "big reflections"},
    "lighting_good": {"0": "bad light", "1": "good light"},
    "sensor": {"1": "sensor 640x480", "2": "sensor 1280x1024", "3": "sensor 752x480"},
}


def row(name: str, f: dict[str, Any]) -> str:
    """One line of the table."""
    if "balanced_accuracy" not in f:
        return f"| {name} | {f['n']} | {f['people']} | one class only | | | |"
    low, high = f["interval_95"]
    outside = f["balanced_accuracy_outside_band"]
    return (
        f"| {name} | {f['n']} | {f['people']} | {f['balanced_accuracy']:.3f} ({low:.3f}-{high:.3f}) | {f['auc']:.3f} "
        f"| {100 * f['judged_outside_band']:.0f} % | {'' if outside is None else f'{outside:.3f}'} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=Path)
    figures = json.loads(parser.parse_args().figures.read_text())
    print(_HEAD)
    print(row("**all**", figures["all"]))
    for column, values in figures["by"].items():
        for value, found in values.items():
            print(row(_NAMES[column][value], found))
    print("\n| person | patches | balanced accuracy | AUC |\n|---|---|---|---|")
    for person, f in sorted(figures["by_person"].items(), key=lambda item: int(item[0])):
        if "balanced_accuracy" in f:
            print(f"| {person} | {f['n']} | {f['balanced_accuracy']:.3f} | {f['auc']:.3f} |")
        else:
            print(f"| {person} | {f['n']} | one class only | |")


if __name__ == "__main__":
    main()
