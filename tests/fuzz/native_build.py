"""The native targets: with clang's libFuzzer to be fuzzed, or with any compiler to run kept inputs through."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    "native-preprocess": ("preprocess_fuzz.cc", "prepared_job.cc", "preprocess_cpu.cc", "reduced_picture.cc",
                          "separable_plan.cc", "preprocess_avx2.cc"),
    "native-mailbox": ("mailbox_fuzz.cc", "mailbox.cc"),
}  # fmt: skip
_FLAGS = ("-std=c++17", "-O1", "-g1", "-ffp-contract=off", "-fno-sanitize-recover=all")
_X86 = platform.machine() == "x86_64"


def takes_too_long(target: str) -> str | None:
    """Why a test should leave this one out, None where it should not."""
    if target != "native-preprocess" or os.environ.get("WATCHKEEPER_FUZZ") == "full":
        return None
    return "WATCHKEEPER_FUZZ=full compiles the whole pass under the sanitizers, which takes minutes"


def fuzzing_compiler() -> str | None:
    """A clang that has libFuzzer, None where there is none."""
    for name in ("clang++", *(f"clang++-{n}" for n in range(20, 12, -1))):
        if shutil.which(name) and _links(name, "-fsanitize=fuzzer,address,undefined"):
            return name
    return None


def replaying_compiler() -> str | None:
    """A g++ with the sanitizers."""
    return "g++" if shutil.which("g++") and _links("g++", "-fsanitize=address,undefined") else None


def build(target: str, out: Path, compiler: str, *, fuzzing: bool) -> Path:
    """The program of a target in `out`. Raises CalledProcessError with the compiler's words on stderr."""
    program = out / target
    sanitize = "-fsanitize=fuzzer,address,undefined" if fuzzing else "-fsanitize=address,undefined"
    objects = []
    out.mkdir(parents=True, exist_ok=True)
    folders = (ROOT / "kernels", ROOT / "tests/fuzz/native")
    newest = max(path.stat().st_mtime for folder in folders for path in folder.glob("*.*"))
    for name in SOURCES[target]:
        if "avx2" in name and not _X86:
            continue
        source = next(folder / name for folder in folders if (folder / name).exists())
        made = out / f"{target}-{name}.o"
        more = ["-mavx2"] if "avx2" in name else []
        more += ["-DWK_HAVE_AVX2"] if _X86 and target == "native-preprocess" else []
        more += [] if fuzzing else ["-DWK_REPLAY"]
        command = [compiler, *_FLAGS, sanitize, *more, f"-I{ROOT / 'kernels'}", "-c", str(source), "-o", str(made)]
        if not made.exists() or made.stat().st_mtime < newest:  # the pass's templates take minutes
            subprocess.run(command, check=True)
        objects.append(str(made))
    subprocess.run([compiler, sanitize, *objects, "-o", str(program)], check=True)
    return program


def _links(compiler: str, sanitize: str) -> bool:
    fuzzing = "fuzzer" in sanitize
    one = 'extern "C" int LLVMFuzzerTestOneInput(const uint8_t*, size_t) { return 0; }'
    text = f"#include <cstdint>\n#include <cstddef>\n{one}"
    command = [compiler, sanitize, "-x", "c++", "-o", "/dev/null", "-"]
    done = subprocess.run(
        command, input=text if fuzzing else "int main() {}", capture_output=True, text=True, check=False
    )
    return done.returncode == 0
