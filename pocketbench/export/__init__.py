"""From a torch network to verified ONNX, TFLite and Core ML files."""
