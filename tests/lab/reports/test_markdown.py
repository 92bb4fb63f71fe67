import pytest

for needed in ("jinja2", "matplotlib", "scipy"):
    pytest.importorskip(needed, reason=f"{needed} is not installed: it is in the lab's list")

from ml_models.lab.reports import markdown  # noqa: E402


def test_html__blocks():
    html = markdown.html("One\n\n- `a<b`\n- c\n  d\n\n```sh\nx\n\ny\n```\n\n[l](https://a.b)")
    assert html.split("\n", 1)[0] == "<p>One</p>"
    assert "<ul><li><code>a&lt;b</code></li><li>c\n  d</li></ul>" in html
    assert "<pre><code>x\n\ny</code></pre>" in html
    assert '<a href="https://a.b">l</a>' in html
    assert "href" not in markdown.html("[l](javascript:alert)")
