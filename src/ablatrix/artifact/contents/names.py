"""Names of files in an artifact."""

SIGNATURE_NAME = "MANIFEST.json.sig"
CLAIMS_NAME = "claims.yaml"
README_NAME = "README.md"
APPENDIX_NAME = "APPENDIX.md"
APPENDIX_LATEX_NAME = "appendix.tex"
APPENDIX_LONG_NAME = "appendix_long.tex"
CITATION_NAME = "CITATION.cff"
CRATE_NAME = "ro-crate-metadata.json"
PAGE_NAME = "report.html"
RECIPE_NAME = "container/recipe.txt"
WHEELS_NAME = "container/wheels.txt"

DOCUMENT_NAMES = (
    README_NAME,
    APPENDIX_NAME,
    APPENDIX_LATEX_NAME,
    APPENDIX_LONG_NAME,
    CITATION_NAME,
    CRATE_NAME,
)
"""Documents that are made from the rest of an artifact."""
