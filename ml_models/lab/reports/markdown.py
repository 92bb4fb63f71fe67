"""Convert notes in a small subset of Markdown to HTML."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

SPANS = (
    (r"`([^`]+)`", r"<code>\1</code>"),
    (r"\*\*([^*]+)\*\*", r"<strong>\1</strong>"),
    (r"\[([^\]]+)\]\((https?://[^)\s]+|#[\w-]+)\)", r'<a href="\2">\1</a>'),
)


def spans(text: str) -> Markup:
    """Convert `code`, **bold** and [links](https://…) of a line to HTML; escape everything else."""
    html = str(escape(text))
    for pattern, replacement in SPANS:
        html = re.sub(pattern, replacement, html)
    return Markup(html)


def block(text: str) -> Markup:
    """Convert a paragraph, a list or a fenced code block to HTML."""
    lines = text.splitlines()
    if lines[0].startswith("```"):
        return Markup("<pre><code>{}</code></pre>").format("\n".join(lines[1:-1]))
    if all(line.startswith(("- ", "  ")) for line in lines):
        items = re.split(r"^- ", text, flags=re.MULTILINE)[1:]
        return Markup("<ul>{}</ul>").format(
            Markup("").join(Markup("<li>{}</li>").format(spans(item.strip())) for item in items)
        )
    return Markup("<p>{}</p>").format(spans(text))


def cell(text: str) -> str:
    """Return Markdown on one line with pipes escaped, for a table cell or a list item."""
    return " ".join(text.split()).replace("|", "\\|")


def blocks(text: str) -> list[str]:
    """Split text at empty lines, except inside fenced code blocks."""
    parts, fenced = [""], False
    for line in text.strip().splitlines():
        fenced ^= line.startswith("```")
        if line.strip() or fenced:
            parts[-1] += line + "\n"
        else:
            parts.append("")
    return [part.rstrip("\n") for part in parts if part]


def html(text: str) -> Markup:
    """Convert paragraphs, lists and fenced code blocks to HTML."""
    return Markup("\n").join(block(part) for part in blocks(text))
