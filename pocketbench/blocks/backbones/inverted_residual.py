"""The inverted residual of MobileNetV2, MobileNetV3 and EfficientNet."""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.backbones.convolutions import convolution


class InvertedResidual(nn.Module):
    """Expand, depthwise convolution, attention, project; plus the input where the shapes agree.

    Without an expansion where `hidden` is `inputs`.

    Shape: (N, inputs, H, W) to (N, outputs, H / stride, W / stride), sizes rounded up.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        outputs: int,
        stride: int,
        attention: list[nn.Module],
        *,
        kernel_size: int = 3,
        dilation: int = 1,
        activation: type[nn.Module] = nn.ReLU6,
        epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        self.identity = stride == 1 and inputs == outputs
        expand = convolution(inputs, hidden, kernel_size=1, activation=activation, epsilon=epsilon)
        self.conv = nn.Sequential(
            *(expand if hidden != inputs else []),
            *convolution(
                hidden,
                hidden,
                kernel_size=kernel_size,
                stride=stride,
                groups=hidden,
                dilation=dilation,
                activation=activation,
                epsilon=epsilon,
            ),
            *attention,
            *convolution(hidden, outputs, kernel_size=1, activation=None, epsilon=epsilon),
        )

    def forward(self, x: Tensor) -> Tensor:
        projected: Tensor = self.conv(x)
        return x + projected if self.identity else projected
