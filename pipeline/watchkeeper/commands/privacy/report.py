"""`privacy-report`: run the product under observation and write a page that says what was seen.

Anybody can repeat it: the clip is made anew from the packaged drive (or one's own), with random rows in a corner of
every picture that could come from nowhere else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import sys
import tempfile
from collections import Counter
from pathlib import Path

from watchkeeper import __version__
from watchkeeper.commands.markdown import table, text
from watchkeeper.commands.privacy import judge
from watchkeeper.commands.privacy.observe import Seen, observe
from watchkeeper.commands.privacy.planted import ROWS, plant
from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically

_LEAST_S = 8.0
_CLIP_FRAMES = 150


def run(args: argparse.Namespace) -> int:
    """Observe for --seconds. Exit status 1 when something left, was written, or could not be looked at."""
    if args.seconds < _LEAST_S:
        raise BadInputError(f"--seconds {args.seconds:g}: expected at least {_LEAST_S:g}")
    source = args.source or data_path("demo", "demo_drive.mp4")
    with tempfile.TemporaryDirectory(prefix="watchkeeper-privacy-") as made:
        folder, seed = Path(made), secrets.randbits(32)
        state, clip = folder / "state", folder / "planted.mkv"
        state.mkdir()
        rows = plant(source, clip, _CLIP_FRAMES, seed)
        camera = ["--camera", str(source.with_suffix(".json"))] if source.with_suffix(".json").exists() else []
        command = [
            sys.executable, "-m", "watchkeeper", "run", "--source", f"file:{clip}", *camera, "--state-dir", str(state),
            "--can", args.can or f"virtual:privacy-{os.getpid()}", "--duration", str(args.seconds + 60),
        ]  # fmt: skip
        places = [state, folder, Path("/dev/shm"), Path("/tmp"), Path("/var/tmp")]
        seen = observe(command, args.seconds, rows, folder, places, clip)
        verdict = _verdict(seen, [state])
    made_of = {"program": f"watchkeeper {__version__}", "kernel": platform.release(), "machine": platform.machine(),
               "seconds": args.seconds, "planted_rows": ROWS, "seed": seed}  # fmt: skip
    result: dict[str, object] = {"environment": made_of, "violations": verdict, "seen": _summary(seen)}
    if args.json:
        print(json.dumps(result, indent=2))
    page = _page(result, seen)
    if args.out is not None:
        write_atomically(args.out, page)
    elif not args.json:
        print(page)
    if wrong := [line for lines in verdict.values() for line in lines]:
        raise CheckFailedError(f"{len(wrong)} against the promise: " + "; ".join(wrong[:5]))
    return 0


def _verdict(seen: Seen, allowed: list[Path]) -> dict[str, list[str]]:
    vision_ran = "vision" in seen.confinement and "supervisor" in seen.confinement
    return {
        "sockets": judge.sockets(seen),
        "files": judge.files(seen, allowed),
        "other ways": judge.others(seen),
        "pictures": judge.pictures(seen),
        "observation": [] if vision_ran else ["vision and supervisor were not seen running: nothing is shown"],
        "search": _unproven(seen) if vision_ran else [],
    }


def _unproven(seen: Seen) -> list[str]:
    """Where the search cannot be shown to work, its silence is no evidence."""
    if judge.search_works(seen):
        return []
    why = seen.not_looked.get("memory of vision", "no planted row was in it at the moments of the search")
    return [f"memory of vision: {why}; run as root, so that the search can be shown to find what is there"]


def _summary(seen: Seen) -> dict[str, object]:
    counted = Counter((event.process, event.kind) for event in seen.events)
    return {
        "calls": [{"process": process, "kind": kind, "count": n} for (process, kind), n in sorted(counted.items())],
        "sockets": sorted({f"{e.process}: {e.what}" for e in seen.events if e.kind == "socket"}),
        "files_written": sorted({f"{e.process}: {e.what}" for e in seen.events if e.kind == "write"}),
        "confinement": seen.confinement,
        "picture_in": seen.picture_in,
        "not_looked": seen.not_looked,
        "files_searched": seen.searched_files,
        "memory_searched_times": seen.samples,
    }


def _page(result: dict[str, object], seen: Seen) -> str:
    """Markdown."""
    environment, verdict = result["environment"], result["violations"]
    assert isinstance(environment, dict)
    assert isinstance(verdict, dict)
    names = sorted({key for facts in seen.confinement.values() for key in facts})
    parts = [
        "# Privacy report",
        text(
            f"{environment['program']} ran for {environment['seconds']:g} s on a clip with {ROWS} random rows of bytes "
            "planted in every picture, under strace (every call that opens a socket, a file, shared memory or another "
            "process) and with its memory searched for the rows meanwhile. "
            f"Kernel {environment['kernel']}, {environment['machine']}."
        ),
        "## Verdict",
        table(("question", "against the promise"), [(k, "; ".join(v) or "nothing") for k, v in verdict.items()]),
        "## Where the pictures were",
        table(
            ("place", "planted rows found"),
            [(place, str(found)) for place, found in sorted(seen.picture_in.items())]
            + [(place, f"not looked at: {why}") for place, why in sorted(seen.not_looked.items())]
            + [(f"{seen.searched_files} files that changed meanwhile", "see above for any with a row, none listed: 0")],
        ),
        "## What each process could not do any more",
        table(("process", *names), [(p, *(f.get(n, "") for n in names)) for p, f in sorted(seen.confinement.items())]),
        "## Sockets",
        *[f"- {line}" for line in sorted({f"{e.process}: {e.what}" for e in seen.events if e.kind == "socket"})],
        "## Files opened for writing",
        *[f"- {line}" for line in sorted({f"{e.process}: {e.what}" for e in seen.events if e.kind == "write"})],
        "",
        text(
            "What this does not show: what the kernel itself, its drivers or a GPU keep; pictures in another form than "
            "the camera's bytes (the crops that the networks see live in vision alone, whose memory nobody else maps)."
        ),
    ]
    return "\n\n".join(parts).replace("\n\n- ", "\n- ") + "\n"
