"""Checks of a bundle that make files again or recompute numbers."""

from ablatrix.artifact.checks.builds_check import check_builds
from ablatrix.artifact.checks.container_check import check_container
from ablatrix.artifact.checks.difference import describe_difference
from ablatrix.artifact.checks.extent import Extent
from ablatrix.artifact.checks.files_check import check_files
from ablatrix.artifact.checks.findings_check import check_findings
from ablatrix.artifact.checks.remake import Derive, check_derived, derive, derive_anew
from ablatrix.artifact.checks.samples_check import check_samples
from ablatrix.artifact.checks.shipped_check import check_shipped
from ablatrix.artifact.checks.signature import check_signature, read_keys, sign_manifest
from ablatrix.artifact.checks.study_check import StudyDigest, check_models, check_study

__all__ = [
    "Derive",
    "Extent",
    "StudyDigest",
    "check_builds",
    "check_container",
    "check_derived",
    "check_files",
    "check_findings",
    "check_models",
    "check_samples",
    "check_shipped",
    "check_signature",
    "check_study",
    "derive",
    "derive_anew",
    "describe_difference",
    "read_keys",
    "sign_manifest",
]
