"""Global attention behind a recurrent decoder, over what an encoder remembers.

M.-T. Luong, H. Pham, C. D. Manning: Effective Approaches to Attention-based Neural Machine Translation, 2015,
arXiv:1508.04025, section 3.1, with the score "general". It reads the decoder's output and feeds nothing back into it,
so many tokens are read in one run.

Shapes: B batch, T time, S places of the memory, H hidden features of the decoder, M features of the memory.
"""

import torch
from torch import Tensor, nn


class GlobalAttention(nn.Module):
    """Adds to each output of a decoder what it finds in the memory."""

    def __init__(self, hidden_size: int, memory_size: int) -> None:
        super().__init__()
        self.score = nn.Linear(hidden_size, memory_size, bias=False)
        self.combine = nn.Linear(memory_size + hidden_size, hidden_size, bias=False)

    def forward(self, h_BTH: Tensor, memory_BSM: Tensor, mask_BS: Tensor | None = None) -> Tensor:
        """Map outputs (B, T, H) to attentional ones (B, T, H).

        Args:
            h_BTH: the decoder's outputs.
            memory_BSM: what is looked at.
            mask_BS: true where the memory holds something; None: everywhere.
        """
        score_BTS = self.score(h_BTH) @ memory_BSM.transpose(1, 2)  # equation 8: h_t^T W_a h_s
        if mask_BS is not None:
            score_BTS = score_BTS.masked_fill(~mask_BS[:, None], torch.finfo(score_BTS.dtype).min)
        weight_BTS = score_BTS.softmax(dim=-1)  # equation 7
        context_BTM = weight_BTS @ memory_BSM  # the weighted average of section 3.1
        attentional_BTH: Tensor = self.combine(torch.cat((context_BTM, h_BTH), dim=-1)).tanh()  # equation 5
        return attentional_BTH
