"""Pages of the site that are not under docs/: the README, the project's papers, the REST reference.

MkDocs calls the functions named ``on_…``.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/visualsearch/visualsearch"

# Pages of the site by the file in the repository that they are made of.
PAPERS = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
}
LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
FENCE = re.compile(r"^```.*?^```[^\S\n]*$", re.DOTALL | re.MULTILINE)

REFERENCE = """# REST reference

Every request and every answer of the API, from the description that a shop serves itself under
`/api/schema/`. The [guide](rest.md) says what they are for.

<link rel="stylesheet" href="swagger-ui/swagger-ui.css">
<style>#reference .scheme-container { display: none; }</style>
<div id="reference"></div>
<script src="swagger-ui/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  validatorUrl: null,
  // There is no shop behind this page to send requests to.
  supportedSubmitMethods: [],
  defaultModelsExpandDepth: -1,
});
</script>
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files that are made while the site is built."""
    for source, page in PAPERS.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))
    files.append(File.generated(config, "rest-reference.md", content=REFERENCE))
    files.append(File.generated(config, "openapi.json", content=json.dumps(description())))
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        path = str(swagger_ui() / name)
        files.append(File.generated(config, f"swagger-ui/{name}", abs_src_path=path))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead where they lead in the repository."""
    sources = {name: source for source, name in PAPERS.items()}
    name = page.file.src_uri
    source = sources.get(name, f"docs/{name}")

    def changed(match: re.Match[str]) -> str:
        return match[1] + target(match[2], source, name, files) + match[3]

    # Skip blocks of code: their brackets are not links.
    parts, last = [], 0
    for block in FENCE.finditer(markdown):
        parts += [LINK.sub(changed, markdown[last : block.start()]), block[0]]
        last = block.end()
    return "".join([*parts, LINK.sub(changed, markdown[last:])])


def target(link: str, source: str, page: str, files: Files) -> str:
    """Return where a link in a file of the repository leads on the site.

    To a page of the site, relative to ``page``; or to the repository, for all that is no page.
    """
    if ":" in link or link.startswith(("/", "#")):
        return link
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    on_site = PAPERS.get(path, path.removeprefix("docs/"))
    file = files.get_file_from_path(on_site)
    if file is not None and not file.inclusion.is_excluded():
        return posixpath.relpath(on_site, posixpath.dirname(page) or ".")
    if not (ROOT / path).exists():
        return link  # MkDocs says that it leads nowhere
    kind = "tree" if (ROOT / path).is_dir() else "blob"
    return f"{REPOSITORY}/{kind}/main/{path}"


def description() -> dict[str, Any]:
    """The project's OpenAPI description."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    import django

    django.setup()
    from drf_spectacular.generators import SchemaGenerator

    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def swagger_ui() -> Path:
    """The folder of the renderer, which the sample shop serves as well."""
    import drf_spectacular_sidecar

    folder = Path(drf_spectacular_sidecar.__path__[0])
    return folder / "static/drf_spectacular_sidecar/swagger-ui-dist"
