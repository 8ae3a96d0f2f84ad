"""MediaPipe FaceLandmarker (video mode, blendshapes) as a peer of `bench pipeline`.

Run by an interpreter that has mediapipe; imports nothing of watchkeeper. Protocol over stdin/stdout, binary, native
byte order: a line `WIDTH HEIGHT\n`, then for each frame int64 time stamp in ms and WIDTH*HEIGHT*3 bytes RGB; the answer
to each is int64 nanoseconds that `detect_for_video` took, int64 resident bytes, int64 faces found. Ends with stdin.
"""

from __future__ import annotations

import struct
import sys
import time
from pathlib import Path
from typing import BinaryIO


def main(task_file: str) -> int:
    """Serve frames until stdin ends. `task_file`: face_landmarker.task, the weights ours come from, too."""
    import mediapipe as mp
    import numpy as np
    from mediapipe.tasks import python as tasks
    from mediapipe.tasks.python import vision

    options = vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=task_file),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
        num_faces=1,
    )
    frames, answers = sys.stdin.buffer, sys.stdout.buffer
    width, height = (int(number) for number in frames.readline().split())
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        while len(stamp := frames.read(8)) == 8:
            pixels = np.frombuffer(_exactly(frames, width * height * 3), np.uint8).reshape(height, width, 3)
            began = time.perf_counter_ns()
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)
            found = landmarker.detect_for_video(image, struct.unpack("=q", stamp)[0])
            took = time.perf_counter_ns() - began
            answers.write(struct.pack("=qqq", took, _resident_bytes(), len(found.face_landmarks)))
            answers.flush()
    return 0


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise SystemExit("the frame was cut off")
    return data


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
