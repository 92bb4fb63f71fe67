"""The settings of counting_settings with pictures in S3 instead of a folder."""

import os

from tests.stack.counting_settings import *  # noqa: F403
from tests.stack.counting_settings import STORAGES

STORAGES = {
    **STORAGES,
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": "pictures",
            "endpoint_url": os.environ["S3_URL"],
            "access_key": "of the tests",
            "secret_key": "of the tests",
            "region_name": "us-east-1",
        },
    },
}
