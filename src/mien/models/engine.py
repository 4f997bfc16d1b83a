"""A torch network behind the same method as the exported graphs."""

import numpy as np
import torch
from torch import nn


class TorchEngine:
    """probs(crops) = softmax(model(crops) / temperature), on the device where the model's weights are.

    temperature 1 for a network that was not exported, since it is fitted then.
    """

    def __init__(self, model: nn.Module, temperature: float = 1.0, batch: int = 256):
        self._model = model.eval()
        self._temperature = temperature
        self._batch = batch

    @torch.inference_mode()
    def logits(self, crops: np.ndarray) -> np.ndarray:
        """crops: uint8 or float32 [n,h,w], grey levels 0 to 255 -> float32 [n,classes], before the temperature."""
        device = next(self._model.parameters()).device
        faces = torch.from_numpy(np.ascontiguousarray(crops))[:, None]
        parts = [self._model(part.to(device).float()).float().cpu() for part in faces.split(self._batch)]
        return torch.cat(parts).numpy()

    def probs(self, crops: np.ndarray) -> np.ndarray:
        """crops: uint8 or float32 [n,h,w], grey levels 0 to 255 -> float32 [n,classes]; rows sum to 1."""
        return torch.softmax(torch.from_numpy(self.logits(crops)) / self._temperature, 1).numpy()
