"""kernels/preprocess.cu run thread by thread on the CPU: its grid, bounds and indices give the CPU build's bits."""

from __future__ import annotations

from pathlib import Path

import native

HERE = Path(__file__).parent


def test_the_launches_are_the_cpu_build(tmp_path: Path) -> None:
    target = tmp_path / "launch_check"
    # No SIMD half: the launches are compared with the scalar rows.
    native.build(native.tool("g++"), HERE / "launch_check.cc", target, arch="scalar", extra=(f"-I{HERE}", "-O1"))
    assert int(native.run([str(target)])) == 1760
