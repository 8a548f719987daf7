"""How Sphinx builds these pages."""

import re
from pathlib import Path

_package = Path(__file__).resolve().parent.parent / "src" / "trackside" / "__init__.py"

project = "Trackside"
author = "The Trackside maintainers"
copyright = "2026, The Trackside maintainers"
release = re.findall(r'__version__ = "(.+)"', _package.read_text(encoding="utf-8"))[0]
version = release

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True

html_theme = "furo"
html_title = f"Trackside {release}"
html_static_path = ["_static"]
html_show_sphinx = False
html_copy_source = False
