"""The visual search server that tutorials teach: Flask, Keras and scikit-learn.

Uses Flask's threaded development server, MobileNetV2's 1,280 pooled features from
``model.predict()``, and a brute-force ``NearestNeighbors``. Weights and catalog vectors are
random, so that nothing is downloaded: the cost of a search is the same, and its results are not
examined.

    python tutorial_app.py CATALOG_FOLDER PORT euclidean|cosine
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask, jsonify, request
from PIL import Image
from sklearn.neighbors import NearestNeighbors
from tensorflow.keras.applications.mobilenet_v2 import MobileNetV2, preprocess_input
from tensorflow.keras.preprocessing import image as keras_image

LIMIT = 12
FEATURES = 1280

app = Flask(__name__)
model = MobileNetV2(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
cards = json.loads((Path(sys.argv[1]) / "cards.json").read_text("utf-8"))
features = np.random.default_rng(0).random((len(cards), FEATURES), np.float32)
neighbors = NearestNeighbors(n_neighbors=LIMIT, algorithm="brute", metric=sys.argv[3])
neighbors.fit(features)


def extract(photo: Image.Image) -> Any:
    """Return the features (1, 1280) of a photo."""
    pixels = keras_image.img_to_array(photo.convert("RGB").resize((224, 224)))
    return model.predict(preprocess_input(np.expand_dims(pixels, axis=0)), verbose=0)


@app.post("/search")
def search() -> Any:
    distances, places = neighbors.kneighbors(extract(Image.open(request.files["image"].stream)))
    return jsonify(
        results=[
            {**cards[place], "score": float(1 - distance)}
            for distance, place in zip(distances[0], places[0], strict=True)
        ]
    )


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[2]), threaded=True)
