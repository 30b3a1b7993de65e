"""Environment check, bundle, manifest and verification."""
