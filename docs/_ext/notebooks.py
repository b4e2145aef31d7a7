"""Show the text notebooks of `examples/` as pages.

The folder `docs/tutorial/notebooks` is a link to `examples/`, so there is one copy of each tutorial.
MyST knows everything in such a file but the cells; this extension shows a cell as highlighted Python.
"""

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

HIDDEN = "remove-cell"


class CodeCell(SphinxDirective):
    """A cell of code, shown but not run; the tests run it."""

    has_content = True
    optional_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"tags": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Return the cell as one literal block, or nothing when it is tagged away."""
        if HIDDEN in self.options.get("tags", ""):
            return []
        text = "\n".join(self.content)
        return [nodes.literal_block(text, text, language="ipython3", classes=["cell"])]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive under the name that jupytext writes."""
    app.add_directive("code-cell", CodeCell)
    return {"parallel_read_safe": True}
