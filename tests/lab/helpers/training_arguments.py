"""A training recipe that takes seconds: few photos, small views, small embeddings."""


def train_args(data, weights, out, *further):
    """Return arguments of train for two epochs; ``further`` ones override them."""
    return [
        *("--data", str(data), "--weights", str(weights), "--out", str(out)),
        *("--epochs", "2", "--batch", "6", "--side", "64", "--semantic-dim", "8"),
        *("--colour-dim", "8", "--lr", "1e-3", "--ema", "0.5"),
        *map(str, further),
    ]
