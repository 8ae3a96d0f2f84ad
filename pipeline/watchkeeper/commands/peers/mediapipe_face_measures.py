"""MediaPipe FaceLandmarker's own measures, frame by frame: a peer of `evaluate clips`.

Run by an interpreter that has mediapipe; imports nothing of watchkeeper. stdin, binary: a line `WIDTH HEIGHT\n`, then
for each frame int64 time stamp in ms (native byte order) and WIDTH*HEIGHT*3 bytes RGB. stdout: one JSON line each,
`{"blink_left": p, "blink_right": p, "jaw_open": p, "matrix": [16 numbers, row by row]}` or `null` where it found no
face. The matrix is its facial transformation matrix: its model of a face to its camera (x right, y up, z backwards).
"""

from __future__ import annotations

import json
import struct
import sys


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
        output_facial_transformation_matrixes=True,
        num_faces=1,
    )
    frames = sys.stdin.buffer
    width, height = (int(number) for number in frames.readline().split())
    size = width * height * 3
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        while len(stamp := frames.read(8)) == 8:
            pixels = np.frombuffer(frames.read(size), np.uint8).reshape(height, width, 3)
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)
            result = landmarker.detect_for_video(image, struct.unpack("=q", stamp)[0])
            measures = None
            if result.face_landmarks:
                shapes = {shape.category_name: shape.score for shape in result.face_blendshapes[0]}
                measures = {
                    "blink_left": float(shapes["eyeBlinkLeft"]),
                    "blink_right": float(shapes["eyeBlinkRight"]),
                    "jaw_open": float(shapes["jawOpen"]),
                    "matrix": [float(v) for v in result.facial_transformation_matrixes[0].reshape(-1)],
                }
            print(json.dumps(measures), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
