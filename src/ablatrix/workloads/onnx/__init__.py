"""ONNX models as workloads: the operation that holds one in an exported program, and its arithmetic in float64."""
