"""Networks of several kinds, and the files that they are exported to."""

import warnings

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn
ANY = ({0: torch.export.Dim.AUTO},)


class Attention(nn.Module):
    """Sizes that are computed, a buffer that is not saved, and a constant."""

    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Linear(4, 8), nn.Linear(8, 3)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.3, batch_first=True)
        self.register_buffer("places", torch.randn(6, 8), persistent=False)

    def forward(self, x):
        hidden = self.layer(self.embed(x) + self.places).mean(1)
        return self.out(hidden) * torch.tensor([1.0, 2.0, 3.0]) + x.reshape(x.shape[0], -1)[:, :3]


class Several(nn.Module):
    """Operators that return several values, lists of tensors, other types of numbers."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(24, 5)

    def forward(self, x):
        flat = x.reshape(x.shape[0], -1)
        a, b = torch.chunk(self.first(flat), 2, dim=1)
        top, places = a.topk(2, dim=1)
        shift = x.new_zeros(x.shape[0], 1) + x.shape[1]
        return torch.cat([top, places.to(x.dtype), b, shift.expand(x.shape[0], 2)], 1)


def convolution():
    layers = [
        nn.Conv2d(1, 3, 3, stride=2, padding=1),
        nn.BatchNorm2d(3),
        nn.GELU(),
        nn.MaxPool2d(2),
    ]
    return nn.Sequential(*layers, nn.Dropout(0.5), nn.Flatten(), nn.Linear(12, 4))


NETWORKS = {
    "perceptron": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(24, 9), nn.ReLU(), nn.Linear(9, 3)),
        (6, 4),
    ),
    "convolution": (convolution, (1, 8, 8)),
    "attention": (Attention, (6, 4)),
    "several values": (Several, (6, 4)),
    "double": (lambda: nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 1)).double(), (6,)),
}


def make(name):
    network, shape = NETWORKS[name]
    torch.manual_seed(0)  # of the initial weights
    module = network().eval()
    return module, torch.randn(4, *shape).to(next(module.parameters()).dtype)


def export(module, x, path, dynamic_shapes=ANY):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module, (x,), dynamic_shapes=dynamic_shapes), path)
    return path


def trace(module, x, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.trace(module, x).save(path)
    return path
