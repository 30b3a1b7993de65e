"""Names of the files of a run and of an artifact, each once."""

RECORDS_NAME = "results.jsonl"
DESIGN_NAME = "design.json"
SAMPLES_NAME = "samples"
STUDY_NAME = "study.yaml"
CLAIMS_NAME = "claims.yaml"
TEMPLATE_NAME = "template.yaml"
LOCK_NAME = "requirements.lock"
BUILDS_NAME = "builds.json"
"""The locks of the builds that a study compares; there is none where it has none."""
MANIFEST_NAME = "MANIFEST.json"
WORK_NAME = "work"
LARGEST_MANIFEST = 32 * 2**20
"""Bytes of the largest manifest that is read: about 100,000 files."""
LARGEST_DESIGN = 128 * 2**20
"""Bytes of the largest design that is read: some 200,000 trials."""
