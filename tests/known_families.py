"""Small networks of the kinds that people bring, with random weights; what matters is how they are fed and read."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.networks import Convolved


class SmallUNet(nn.Module):
    """(N, 3, h, w) -> (N, 1, h, w) logits: down, up, and a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.down = nn.Conv2d(3, 8, 3, padding=1)
        self.bottom = nn.Conv2d(8, 8, 3, stride=2, padding=1, bias=False)
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.head = nn.Conv2d(16, 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        skip = F.relu(self.down(pictures))
        up = self.up(F.relu(self.bottom(skip)))
        result: Tensor = self.head(torch.cat([skip, up], dim=1))
        return result


class SmallDeepLab(nn.Module):
    """As torchvision's DeepLab and LRASPP do: coarse logits, enlarged to the picture; a pooled branch; two outputs."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.backbone = nn.Sequential(nn.Conv2d(3, 12, 3, 4, 1, bias=False), nn.BatchNorm2d(12), nn.Hardswish())
        self.local, self.pooled = nn.Conv2d(12, classes, 1), nn.Conv2d(12, classes, 1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.backbone(pictures)
        out = self.local(seen) * torch.sigmoid(self.pooled(seen.mean(dim=(2, 3), keepdim=True)))
        aux = self.pooled(seen)
        size = pictures.shape[2:]
        enlarged = [F.interpolate(logits, size, mode="bilinear", align_corners=False) for logits in (out, aux)]
        return enlarged[0], enlarged[1]


class SmallSegFormer(nn.Module):
    """(N, 3, h, w) -> (N, C, h / 4, w / 4): patches, one block of attention, and a linear head."""

    def __init__(self, classes: int, width: int = 16) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.patches = nn.Conv2d(3, width, 7, 4, 3)
        self.norm, self.queries, self.values = nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.head = nn.Linear(width, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        patches = self.patches(pictures)
        tokens = patches.flatten(2).transpose(1, 2)
        queries, keys = self.queries(self.norm(tokens)).chunk(2, dim=2)
        weights = (queries @ keys.transpose(1, 2) / queries.shape[2] ** 0.5).softmax(dim=2)
        mixed = F.gelu(tokens + weights @ self.values(tokens))
        logits: Tensor = self.head(mixed).transpose(1, 2).unflatten(2, patches.shape[2:])
        return logits


class SmallBiRefNet(Convolved):
    """(N, 3, h, w) -> (N, 1, h, w) logits, at whatever size it is asked."""

    def __init__(self) -> None:
        super().__init__(1)


class SmallMODNet(Convolved):
    """(N, 3, h, w) -> (N, 1, h, w) alpha."""

    def __init__(self) -> None:
        super().__init__(1, nn.Sigmoid())
