"""What the product may compute of a person: the list of quantities, each with its exact number of values.

A network that puts out anything else (an identity, an embedding, an age, a gender, an emotion, an expression) is
refused when the product starts. Each manifest states the quantity of each output; the size is checked against this
list, so that an embedding does not pass as landmarks. The list is code: who lengthens it changes a reviewed file, and
tests/unit/inference/test_allowed.py with it.
"""

from __future__ import annotations

import math

from watchkeeper.inference.manifest import Manifest, ModelFileError, load_manifest

ALLOWED: dict[str, int] = {
    "face boxes": 896 * 16,  # per anchor: box, six key points
    "face scores": 896,
    "face landmarks 468": 468 * 3,
    "face landmarks 478": 478 * 3,
    "face presence": 1,
    "lids and irises of two eyes": 2 * 5,
    "undocumented, unread": 1,  # a number that the origin's network has and nothing here reads
}
"""quantity -> how many numbers it is."""


def production_model(name: str) -> Manifest:
    """The manifest called `name`, if the product may run it.

    Raises BadInputError as load_manifest does, and ModelFileError naming the file, the output and what is allowed.
    """
    manifest = load_manifest(name)
    if problem := not_allowed(manifest):
        raise ModelFileError(f"{manifest.path}: {problem}")
    return manifest


def not_allowed(manifest: Manifest) -> str | None:
    """What the product must not compute with it, in words, or None."""
    for output in manifest.outputs:
        size = ALLOWED.get(output.quantity)
        found = math.prod(output.spec.shape)
        if size is None:
            return (
                f"output {output.spec.name}: {output.quantity!r} is nothing a driver monitor may compute; "
                f"expected one of {', '.join(ALLOWED)}"
            )
        if size != found:
            return f"output {output.spec.name}: {output.quantity} are {size} numbers, this has {found}"
    return None
