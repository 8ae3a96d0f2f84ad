"""The ONNX form of a cached .tflite file: made once, kept beside it, noticed when damaged."""

from __future__ import annotations

from pathlib import Path

from watchkeeper.errors import BadInputError
from watchkeeper.inference.engine import EngineError
from watchkeeper.inference.store import read_sealed, write_sealed

CONVERTER_VERSION = 1
"""Part of the file's name: raise it with any change of what the converter writes."""
FP32, FP16, FP16_WEIGHTS = "fp32", "fp16", "fp16-weights"


def onnx_path(model: Path, precision: str = FP32) -> Path:
    """Where the ONNX form of a .tflite file is kept."""
    return model.with_name(f"{model.stem}-onnx{CONVERTER_VERSION}-{precision}.onnx")


def onnx_bytes(model: Path, precision: str = FP32) -> bytes:
    """The ONNX form of a .tflite file, converted and kept when it is missing or damaged.

    Raises EngineError naming `model` when it cannot be converted, BadInputError when that needs the package onnx and it
    is not installed, or when the cache cannot be written.
    """
    if (kept := read_sealed(onnx_path(model, precision))) is not None:
        return kept
    try:
        from watchkeeper.inference.convert.tflite_file import ConvertError
        from watchkeeper.inference.convert.to_onnx import to_onnx
    except ModuleNotFoundError as error:
        raise BadInputError(
            f"{onnx_path(model, precision)}: missing, and making it needs the package {error.name}; "
            "expected it installed (pip install onnx), then `watchkeeper models build`"
        ) from error
    try:
        converted = to_onnx(model.read_bytes(), precision)
    except ConvertError as error:
        raise EngineError(f"{model}: cannot be converted to ONNX: {' '.join(str(error).split())}") from error
    except OSError as error:
        raise EngineError(f"{model}: cannot be read: {error.strerror}") from error
    write_sealed(onnx_path(model, precision), converted)
    return converted
