"""backgroundremover's u2net.pth out of Silhouette's weights: u2net_pth.py MODEL.safetensors OUT.pth < LAYERS.

LAYERS has the name of a convolution a line, in the order in which they run, which is the order of backgroundremover's
modules too. Batch normalisation is folded into the convolutions already, so here it has to change nothing.
"""

import sys

import torch
from backgroundremover.u2net.u2net import U2NET
from safetensors.torch import load_file
from torch import nn

weights, out = sys.argv[1:]
state = load_file(weights)
network = U2NET(3, 1)
convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
for layer, convolution in zip(sys.stdin.read().split(), convolutions, strict=True):
    weight = state[f"{layer}.weight"].permute(0, 3, 1, 2).contiguous()  # from (out, height, width, in)
    convolution.load_state_dict({"weight": weight, "bias": state[f"{layer}.bias"]})
for module in network.modules():
    if isinstance(module, nn.BatchNorm2d):
        module.running_var.fill_(1 - module.eps)  # eps is added again, and then the root is taken
torch.save(network.state_dict(), out)
