"""The formats of model files; without heavy imports, for the help of the command line."""

FORMATS = ("onnx", "torchscript", "executorch")
SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt", "executorch": ".pte"}
# The largest difference from torch that is accepted.
TOLERANCE = {"none": 1e-4, "fp16": 2e-2, "int8": 0.1}
QUANTIZATIONS = ("none", "int8", "fp16")
