"""ONNX Runtime: how a task becomes an optimised model file, and how its session runs on our arena."""
