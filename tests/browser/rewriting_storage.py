"""Static files whose imports of other files are rewritten to hashed names."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class RewritingStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage with Django's option for JavaScript modules, and no other names."""

    support_js_module_import_aggregation = True
