"""What networks go through before they are saved as static graphs."""

from __future__ import annotations

import paddle


def name_tensors(network: paddle.nn.Layer) -> None:
    """Brings a network into inference, its tensors named as its state names them.

    The graph keeps these names, and with them an exported folder can be trained on.
    """
    network.eval()
    for name, tensor in network.state_dict().items():
        tensor.name = name
