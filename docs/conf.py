"""How the documentation is built: `make docs`, without the network."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Acre"
author = "the people of Acre"
release = installed("acre")
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "notebooks", "generated"]
exclude_patterns = ["_build", "_ext", "changes/*.*.md"]
source_suffix = {".md": "markdown"}

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "amsmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_default_options = {"exclude-members": "model_config"}
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"Acre {release}"
html_static_path = ["_static"]
html_show_sphinx = False
html_show_copyright = False
