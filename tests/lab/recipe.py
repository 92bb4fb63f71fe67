"""A recipe for seconds: few photos, small views, small embeddings."""


def train_args(data, weights, out, *further):
    """Arguments of train for two epochs; later ones win."""
    return [
        *("--data", str(data), "--weights", str(weights), "--out", str(out)),
        *("--epochs", "2", "--batch", "6", "--side", "64", "--semantic-dim", "8"),
        *("--colour-dim", "8", "--lr", "1e-3", "--ema", "0.5"),
        *map(str, further),
    ]
