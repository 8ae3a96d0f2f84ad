"""Write `models/eye_<set>.toml` for a .tflite beside it: `python write_manifest.py clear|research --version V`.

Run with the project's own Python. Golden values come from the manifest's input pattern in LiteRT; the tolerance is far
above what its kernels differ by (1e-4) and far below what wrong weights give.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np

from watchkeeper.inference.engine import TensorSpec
from watchkeeper.inference.litert import LiteRtEngine
from watchkeeper.inference.manifest import InputSpec, golden_input

_ABOUT = {
    "clear": (
        "Eye network, clear licence: taught on rendered faces alone",
        "Apache-2.0, as this project; taught on renders of the MIT-licensed FaceCapHeadGeneric head",
        "trained by models/export on patches of render_patches.py; threshold of p(closed) moved by what people of the "
        "MRL Eye Dataset show; see models/eye_clear.md",
    ),
    "research": (
        "Eye network, research: rendered faces and the MRL eye dataset",
        "weights Apache-2.0, but taught on the MRL Eye Dataset (2018_01), research data without a licence: for "
        "research and comparison, not for a product without asking its owners",
        "trained by models/export on render_patches.py's patches and the MRL Eye Dataset; see models/eye_research.md",
    ),
}
_MEANING = (
    "a row an eye: logit of closed, logit of seen, lid gap in cm, iris centre x and y "
    "(shares of the side, from the middle)"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=sorted(_ABOUT))
    parser.add_argument("--version", required=True)
    wanted = parser.parse_args()
    name = f"eye_{wanted.set}"
    path = Path(__file__).resolve().parents[1] / f"{name}.tflite"
    data = path.read_bytes()
    description, licence, origin = _ABOUT[wanted.set]
    entry = InputSpec(TensorSpec("patches", (2, 32, 32, 1), "float32"), "NHWC grey", 0.0, 1.0)
    with LiteRtEngine(path) as engine:
        engine.input(0)[...] = golden_input(entry)
        engine.run()
        values = engine.output(0).reshape(-1).tolist()
    path.with_suffix(".toml").write_text(f"""\
# This project's own weights, beside this file; see inference/manifest.py. Written by models/export/write_manifest.py.
name = "{name}"
description = "{description}"

version = "{wanted.version}"
file = "{path.name}"
licence = "{licence}"
origin = "{origin}"

sha256 = "{hashlib.sha256(data).hexdigest()}"
size_bytes = {len(data)}

[[input]]
name = "patches"
shape = [2, 32, 32, 1]
dtype = "float32"
layout = "{entry.layout}"
low = 0.0
high = 1.0

[[output]]
name = "eyes"
shape = [2, 5]
dtype = "float32"
quantity = "lids and irises of two eyes"
meaning = "{_MEANING}"
[output.golden]
indices = {list(range(len(values)))}
values = {[float(f"{np.float32(v):.6g}") for v in values]}
tolerance = 0.004
""")
    print(path.with_suffix(".toml"))


if __name__ == "__main__":
    main()
