"""Small pieces that the encoders and decoders share."""

from __future__ import annotations

import copy
import itertools
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def conv_bn_relu(
    channels_in: int, channels_out: int, *, kernel: int = 3, stride: int = 1
) -> list[nn.Module]:
    """Return a convolution that keeps the grid (apart from ``stride``), batch norm and ReLU."""
    return [
        nn.Conv2d(channels_in, channels_out, kernel, stride=stride, padding=kernel // 2),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    ]


def convolve_channels(
    convolution: nn.Conv2d, values: Tensor, start: int, stop: int | None, *, with_bias: bool
) -> Tensor:
    """Return what some of a convolution's input channels add to its output.

    A convolution over concatenated channels is the sum of one convolution for each part; one of
    the parts must bring the bias.

    Args:
        convolution: The whole convolution.
        values: (B, stop - start, H, W), the input channels from ``start`` up to ``stop``.
        start: First input channel of the part.
        stop: Channel behind the part; None for the last one.
        with_bias: Whether to add the bias.
    """
    return functional.conv2d(
        values,
        convolution.weight[:, start:stop],
        convolution.bias if with_bias else None,
        convolution.stride,
        convolution.padding,
        convolution.dilation,
    )


def upsample(values: Tensor, height: int, width: int) -> Tensor:
    """Return ``values`` on a ``height`` x ``width`` grid, bilinear between corner centres.

    The corners of both grids coincide (``align_corners=True``), as in the published networks.
    """
    if values.shape[-2:] == (height, width):
        return values
    return functional.interpolate(values, size=(height, width), mode="bilinear", align_corners=True)


def convolve_upsampled(
    convolution: nn.Conv2d,
    values: Tensor,
    start: int,
    stop: int,
    *,
    size_hw: tuple[int, int],
    with_bias: bool,
) -> Tensor:
    """Return what some upsampled input channels add to a 3x3 convolution's output.

    That is ``convolve_channels(convolution, upsample(values, *size_hw), ...)``.

    Where that is cheaper, the channels are mixed on the small grid, and each of the nine taps is
    upsampled and shifted by one matrix for each axis. Both ways are linear maps with the same
    entries, so they agree to float rounding, padding included.

    Args:
        convolution: The whole convolution: 3x3, padded by 1, stride 1.
        values: (B, stop - start, h, w), the input channels from ``start`` up to ``stop``.
        start: First input channel of the part.
        stop: Channel behind the part.
        size_hw: Rows and columns of the fine grid.
        with_bias: Whether to add the bias.

    Returns:
        (B, channels out, *size_hw).
    """
    height, width = size_hw
    weight = convolution.weight[:, start:stop]
    channels_out, channels_in = weight.shape[:2]
    batch, _, rows, columns = values.shape
    direct = 9 * channels_in * height * width
    on_small_grid = 9 * channels_in * rows * columns + 3 * rows * width * (3 * columns + height)
    if on_small_grid > direct / 2:
        fine = upsample(values, height, width)
        return convolve_channels(convolution, fine, start, stop, with_bias=with_bias)
    taps = weight.permute(3, 0, 2, 1).reshape(9 * channels_out, channels_in, 1, 1)
    mixed = functional.conv2d(values, taps).reshape(batch, 3, channels_out * 3 * rows, columns)
    to_columns = _shifted_upsampling(columns, width, like=mixed)
    wide = torch.matmul(mixed[:, 0], to_columns[0])
    wide += torch.matmul(mixed[:, 1], to_columns[1])
    wide += torch.matmul(mixed[:, 2], to_columns[2])
    to_rows = _shifted_upsampling(rows, height, like=mixed)
    to_rows = to_rows.permute(2, 0, 1).reshape(height, 3 * rows)
    result = torch.matmul(to_rows, wide.view(batch, channels_out, 3 * rows, width))
    if with_bias and convolution.bias is not None:
        result += convolution.bias[:, None, None]
    return result


def _shifted_upsampling(coarse: int, fine: int, *, like: Tensor) -> Tensor:
    """Return (3, coarse, fine): what each coarse cell gives to fine cell x - 1, x and x + 1."""
    cell = torch.arange(coarse, dtype=torch.float32, device=like.device)
    place = torch.arange(-1, fine + 1, dtype=torch.float32, device=like.device)
    inside = (place >= 0) & (place < fine)
    place = place * ((coarse - 1) / max(fine - 1, 1))
    weight = (1 - (place - cell[:, None]).abs()).clamp(min=0) * inside
    return weight.to(like.dtype).unfold(-1, fine, 1).transpose(0, 1)


class Pool(nn.Module):
    """Max pooling with equal kernel and stride, as far as the grid is large enough for it.

    A grid side shorter than the stride is pooled to one pixel.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, values: Tensor) -> Tensor:
        """Return (B, C, max(1, H // stride), max(1, W // stride))."""
        height, width = values.shape[-2:]
        return functional.max_pool2d(values, (min(self.stride, height), min(self.stride, width)))


def dilate(layer: nn.Module, dilation: int) -> None:
    """Turn a residual layer that strides by two into one that keeps its grid.

    Every convolution gets stride 1, and every 3x3 one the dilation. This is done to the finished
    torchvision layer, because torchvision's own `replace_stride_with_dilation` refuses basic blocks
    and gives the first block of a layer the dilation of the layer before, where the published
    networks dilate the whole layer (settled by the parity tests).
    """
    for module in layer.modules():
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)
            if module.kernel_size == (3, 3):
                module.dilation = (dilation, dilation)
                module.padding = (dilation, dilation)


def fold_batch_norm(network: ModuleT) -> ModuleT:
    """Return a copy in eval mode with each batch norm folded into the convolution before it.

    A convolution directly followed by a batch norm, in the order in which a module registers its
    children, must also run in that order; all modules of this package keep to that. Other kinds of
    normalisation stay as they are. The products are taken in float64, so fold on a device that has
    it.
    """
    folded = copy.deepcopy(network).eval()
    for parent in list(folded.modules()):
        children = list(parent.named_children())
        for (name, module), (next_name, next_module) in itertools.pairwise(children):
            if isinstance(module, nn.Conv2d) and isinstance(next_module, nn.BatchNorm2d):
                dtype = module.weight.dtype
                fused = fuse_conv_bn_eval(module.double(), next_module.double())
                setattr(parent, name, fused.to(dtype))
                setattr(parent, next_name, nn.Identity())
    return folded
