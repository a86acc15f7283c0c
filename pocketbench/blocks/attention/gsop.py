"""Global second-order pooling.

Gao, Xie, Wang, Li: "Global Second-order Pooling Convolutional Networks", CVPR 2019, arXiv:1811.12006.
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.attention.positions import to_positions
from pocketbench.blocks.gates import make_gate

ROW_OUTPUTS = 4


class SecondOrderPooling(nn.Module):
    """Scale each channel by a gate of the covariances between channels: x * gate(fc(row_conv(row_bn(cov(y))))).

    y = relu(bn_for_DR(conv_for_DR(x))) has d channels. row_conv makes 4 numbers of each row of the d x d covariances,
    fc is linear from 4 d numbers to C.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; d = C // r.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: section 3 of the paper, the channel-wise block; the names of the weights and the BatchNorms
        are those of the official code.
    Differs: d is C // r, where the paper takes 128 for maps of 256 to 2048 channels (16 is its ratio in the last
        stage); the default gate is hard; no pooling of large maps before the covariance.
    Cost: 5 C d + 4 d^2 + C + 9 d parameters, (C d + d^2) H W + 4 d^2 + 4 C d MACs.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], *, reduction: int = 16, gate: str = "hard_sigmoid"
    ) -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        hidden = channels // reduction
        self.conv_for_DR = nn.Conv2d(channels, hidden, 1)
        self.bn_for_DR = nn.BatchNorm2d(hidden)
        self.relu = nn.ReLU()
        self.row_bn = nn.BatchNorm2d(hidden)
        self.row_conv_group = nn.Conv2d(hidden, ROW_OUTPUTS * hidden, (hidden, 1), groups=hidden)
        self.fc_adapt_channels = nn.Conv2d(ROW_OUTPUTS * hidden, channels, 1)
        self.gate = make_gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        y = to_positions(self.relu(self.bn_for_DR(self.conv_for_DR(x))), self.size)  # (N, H W, d)
        centred = y - y.mean(1, keepdim=True)
        covariances = (centred.transpose(1, 2) @ centred) * (1 / y.shape[1])  # (N, d, d)
        rows = self.row_conv_group(self.row_bn(covariances.unsqueeze(3)))  # (N, 4 d, 1, 1)
        scaled: Tensor = x * self.gate(self.fc_adapt_channels(rows))
        return scaled
