"""docs/doctor.md, made from the checks and symptoms: `python -m watchkeeper.commands.doctor_page > docs/doctor.md`."""

from __future__ import annotations

import importlib
import sys

from watchkeeper.commands.checks import OF_TREE, TABLE
from watchkeeper.commands.checks.symptoms import SYMPTOMS
from watchkeeper.commands.markdown import table

_HEAD = """# doctor

`watchkeeper doctor` looks at a machine and says, line by line, what it found and the one next thing to do. It changes
nothing. Made by `python -m watchkeeper.commands.doctor_page`; do not edit.

```
pass  board                    raspberry-pi-5, engines litert
fail  bus                      can0 is down  -> sudo systemctl enable --now systemd-networkd (docs/wiring.md)
```

Status: `pass`; `warn`: it works, not as well as it could; `fail`: it does not work; `skip`: this machine has no such
thing or does not let it be seen, and the line says why. Exit status: 0 no check failed, 1 one did, 2 bad use. `--json`:
`[{"check", "status", "found", "action"}]`, with `data` where there are figures. `--device`: the accelerator's checks
alone.

## Another machine

`watchkeeper doctor --tree DIR` looks at a copy of another machine's files, made there with

```
mkdir -p report/log && sudo dmesg > report/log/kernel.txt
sudo journalctl -b -u nvargus-daemon -u watchkeeper > report/log/services.txt
cp --parents -rL /etc/nv_tegra_release /boot/firmware/config.txt /proc/device-tree/model report/ 2>/dev/null
for f in /sys/class/video4linux/*/name /sys/class/net/can*/{type,flags,tx_queue_len} /sys/class/thermal/*/temp \\
  /sys/devices/platform/soc/soc:firmware/get_throttled /sys/devices/system/cpu/cpu*/cpufreq/scaling_*; do
  [ -e "$f" ] && mkdir -p "report$(dirname "$f")" && cat "$f" > "report$f"; done
```

Checks marked with a star run on such a copy. Libraries are looked at where the copy holds
`usr/lib/python3/dist-packages` and the like.

## Checks

"""


def page() -> str:
    """The whole page."""
    rows = []
    for group, name, entry in TABLE:
        module, _, function = entry.partition(":")
        text = getattr(importlib.import_module(module), function).__doc__ or ""
        first = " ".join(text.split("\n\n")[0].split()).partition(" (`")[0]
        rows.append([group, f"{name} *" if name in OF_TREE else name, first])
    symptoms = [[s.group, s.status, s.meaning, s.action] for s in SYMPTOMS]
    return "\n".join([
        _HEAD + table(["group", "check", "looks at"], rows),
        "", "## Symptoms in the logs", "",
        "Told of a group is the gravest one; `--json` has all of them, how often, and the last line.", "",
        table(["check", "status", "what it means", "next"], symptoms),
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(page())
