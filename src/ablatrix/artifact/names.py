"""Names of the documents that follow from the rest of an artifact."""

README_NAME = "README.md"
APPENDIX_NAME = "APPENDIX.md"
APPENDIX_LATEX_NAME = "appendix.tex"
CITATION_NAME = "CITATION.cff"
CRATE_NAME = "ro-crate-metadata.json"
PAGE_NAME = "report.html"

DOCUMENT_NAMES = (README_NAME, APPENDIX_NAME, APPENDIX_LATEX_NAME, CITATION_NAME, CRATE_NAME)
