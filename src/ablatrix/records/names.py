"""Names of the files of a run and of an artifact, each once."""

RECORDS_NAME = "results.jsonl"
DESIGN_NAME = "design.json"
SAMPLES_NAME = "samples"
STUDY_NAME = "study.yaml"
CLAIMS_NAME = "claims.yaml"
TEMPLATE_NAME = "template.yaml"
LOCK_NAME = "requirements.lock"
