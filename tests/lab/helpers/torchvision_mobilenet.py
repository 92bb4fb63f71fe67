"""A reimplementation of torchvision's MobileNetV2, the oracle for weights from torchvision."""

import torch
from torch import nn

from ml_models.lab.networks.mobilenet import STAGES


def conv_norm(cin, cout, kernel=1, stride=1, groups=1):
    padding = (kernel - 1) // 2
    return nn.Sequential(
        nn.Conv2d(cin, cout, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    def __init__(self, cin, cout, stride, expansion):
        super().__init__()
        wide = cin * expansion
        self.residual = stride == 1 and cin == cout
        self.conv = nn.Sequential(
            *([conv_norm(cin, wide)] if expansion != 1 else []),
            conv_norm(wide, wide, 3, stride, wide),
            nn.Conv2d(wide, cout, 1, bias=False),
            nn.BatchNorm2d(cout),
        )

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """torchvision's network with its parameter names; normalises photos as its transforms do."""

    def __init__(self):
        super().__init__()
        layers, cin = [conv_norm(3, 32, 3, 2)], 32
        for expansion, cout, repeats, stride in STAGES:
            for repeat in range(repeats):
                layers.append(InvertedResidual(cin, cout, stride if not repeat else 1, expansion))
                cin = cout
        self.features = nn.Sequential(*layers, conv_norm(320, 1280))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 10))

    def forward(self, pixels):
        mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
        std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
        return self.features((pixels.float() / 255 - mean) / std).mean((2, 3))


def random_mobilenet():
    """Return a network with random weights and batch-norm statistics far from the identity."""
    torch.manual_seed(0)
    model = MobileNetV2()
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
            nn.init.uniform_(layer.running_mean, -0.5, 0.5)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    return model
