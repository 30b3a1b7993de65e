"""OpenVINO as a compiler."""
