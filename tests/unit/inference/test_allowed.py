"""The product computes what is on the list and nothing else of a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.board import EYE_WEIGHTS
from watchkeeper.inference.allowed import ALLOWED, not_allowed, production_model
from watchkeeper.inference.manifest import ModelFileError, load_manifest, read_manifest
from watchkeeper.runtime import networks, perception
from watchkeeper.runtime.settings import resolve

FOUND = load_manifest("face_landmarks_478").path


def changed(folder: Path, old: str, new: str) -> Path:
    text = FOUND.read_text()
    assert old in text
    path = folder / FOUND.name
    path.write_text(text.replace(old, new))
    return path


def test_the_list() -> None:
    """To lengthen it is a decision about privacy: whoever does changes this line too, and says so in the change log."""
    assert set(ALLOWED) == {
        "face boxes", "face scores", "face landmarks 468", "face landmarks 478", "face presence",
        "lids and irises of two eyes", "undocumented, unread",
    }  # fmt: skip


@pytest.mark.parametrize("quantity", ["identity embedding", "age", "gender", "emotion", "facial expression weights"])
def test_what_tells_who_somebody_is_or_feels_is_refused(tmp_path: Path, quantity: str) -> None:
    manifest = read_manifest(changed(tmp_path, 'quantity = "face landmarks 478"', f'quantity = "{quantity}"'))
    problem = not_allowed(manifest)
    assert problem is not None
    assert f"Identity: '{quantity}' is nothing a driver monitor may compute" in problem


def test_an_embedding_does_not_pass_as_landmarks(tmp_path: Path) -> None:
    manifest = read_manifest(changed(tmp_path, "shape = [1, 1, 1, 1434]", "shape = [1, 1, 1, 2048]"))
    assert not_allowed(manifest) == "output Identity: face landmarks 478 are 1434 numbers, this has 2048"


def test_each_model_of_the_product_is_allowed() -> None:
    for name in {name for weights in EYE_WEIGHTS for name in networks.network_names(weights)}:
        assert production_model(name).name == name


def test_expressions_are_refused_where_the_product_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The blendshapes are here for `models parity` only; they tell a smile from a frown."""
    monkeypatch.setattr(networks, "LANDMARKS", "face_blendshapes")
    with pytest.raises(ModelFileError, match=r"face_blendshapes\.toml: output .*expression weights"):
        perception.Perception(resolve("host", None, None, None).camera)
