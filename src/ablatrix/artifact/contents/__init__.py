"""What a bundle holds, and how it is named, listed and read."""

from ablatrix.artifact.contents.answered_claims import RecordedClaim, claims_beside, recorded_claims
from ablatrix.artifact.contents.archive import archive_path, is_archive_of, unpack_archive, write_archive
from ablatrix.artifact.contents.completeness import check_lines, check_plan, lines_of, read_design
from ablatrix.artifact.contents.environment import (
    ENVIRONMENT_NAME,
    Environment,
    RunCost,
    environment_text,
    make_environment,
    read_environment,
)
from ablatrix.artifact.contents.factor import factor_text
from ablatrix.artifact.contents.manifest import (
    JSON_SCHEMA_DIALECT,
    Command,
    FileEntry,
    Manifest,
    Part,
    Role,
    entry_of,
    list_files,
    make_manifest,
    manifest_text,
    read_entry,
    read_manifest,
    role_of,
)
from ablatrix.artifact.contents.names import (
    APPENDIX_LATEX_NAME,
    APPENDIX_LONG_NAME,
    APPENDIX_NAME,
    CITATION_NAME,
    CLAIMS_NAME,
    CRATE_NAME,
    DOCUMENT_NAMES,
    PAGE_NAME,
    README_NAME,
)
from ablatrix.artifact.contents.problem import Problem
from ablatrix.artifact.contents.reading import Reading, read_artifact
from ablatrix.artifact.contents.source import FOLDER, Source, members_of, source_file
from ablatrix.records.names import MANIFEST_NAME, WORK_NAME

__all__ = [
    "APPENDIX_LATEX_NAME",
    "APPENDIX_LONG_NAME",
    "APPENDIX_NAME",
    "CITATION_NAME",
    "CLAIMS_NAME",
    "CRATE_NAME",
    "DOCUMENT_NAMES",
    "ENVIRONMENT_NAME",
    "FOLDER",
    "JSON_SCHEMA_DIALECT",
    "MANIFEST_NAME",
    "PAGE_NAME",
    "README_NAME",
    "WORK_NAME",
    "Command",
    "Environment",
    "FileEntry",
    "Manifest",
    "Part",
    "Problem",
    "Reading",
    "RecordedClaim",
    "Role",
    "RunCost",
    "Source",
    "archive_path",
    "check_lines",
    "check_plan",
    "claims_beside",
    "entry_of",
    "environment_text",
    "factor_text",
    "is_archive_of",
    "lines_of",
    "list_files",
    "make_environment",
    "make_manifest",
    "manifest_text",
    "members_of",
    "read_artifact",
    "read_design",
    "read_entry",
    "read_environment",
    "read_manifest",
    "recorded_claims",
    "role_of",
    "source_file",
    "unpack_archive",
    "write_archive",
]
