"""The pinned .tflite files as ONNX, made on the board itself: only the few operators that these networks use."""
