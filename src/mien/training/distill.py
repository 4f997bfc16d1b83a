"""Distillation: the student learns what its teachers say of the very views that it sees (arXiv:2106.05237), unspoilt.

Of a view that is blurred or partly erased the student alone sees less, and learns to be as sure as what is left allows. The
views of an epoch repeat after `recipe.views` epochs, so each of the teachers' answers is computed once and kept.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.files import replaced_file
from mien.training.parallel import count_processes
from mien.training.recipe import Recipe


class Teacher:
    """The mean probabilities of several networks, of each view and its mirror image, at the recipe's distillation temperature.

    networks: each from float views [n,1,h,w], grey levels 0 to 255, to logits [n,c]. The answers to all n faces in each of
    `recipe.views` epochs take 2 n c bytes an epoch. folder: where they are kept, so that a run that goes on after `epoch`
    need not repeat them.
    """

    def __init__(
        self, networks: Sequence[nn.Module], recipe: Recipe, device: str = "cpu", folder: Path | None = None, epoch: int = 0
    ):
        self._networks = [network.to(device, memory_format=torch.channels_last).eval() for network in networks]  # type: ignore[call-overload]
        self._recipe = recipe
        self._answers: dict[tuple[int, int], Tensor] = {}
        self._folder = folder if recipe.views and count_processes() == 1 else None
        for past in range(epoch):
            if self._folder and (path := self._folder / f"{past}.npy").exists():
                for step, answers in enumerate(torch.from_numpy(np.load(path))):
                    self._answers[past, step] = answers.to(device)

    @torch.no_grad()
    def probs(self, views: Tensor, epoch: int, step: int) -> Tensor:
        """[n,c], for the views of this step, the same for every epoch that has the same views."""
        if not self._recipe.views:
            return self._answer(views)
        key = (epoch % self._recipe.views, step)
        if key not in self._answers:
            self._answers[key] = self._answer(views).half()
        return self._answers[key].float()

    def _answer(self, views: Tensor) -> Tensor:
        temperature = self._recipe.distillation_temperature
        seen = [v.contiguous(memory_format=torch.channels_last) for v in (views, views.flip(3))]
        logits = [network(v).float() for network in self._networks for v in seen]
        return F.softmax(torch.stack(logits) / temperature, 2).mean(0)

    def write_answers(self, epoch: int) -> None:
        """Keeps a whole epoch's answers, if they will be asked for again."""
        if self._folder and epoch < self._recipe.views:
            self._folder.mkdir(exist_ok=True)
            steps = sum(view == epoch for view, _ in self._answers)
            with replaced_file(self._folder / f"{epoch}.npy") as new, new.open("wb") as file:
                np.save(file, np.stack([self._answers[epoch, step].cpu().numpy() for step in range(steps)]))

    def blend(self, loss: Tensor, logits: Tensor, probs: Tensor) -> Tensor:
        """The labels' loss [n] and the teachers', in the recipe's shares.

        The teachers' is the cross-entropy at the temperature T times T squared, so that its gradients keep their size
        (arXiv:1503.02531, section 2).
        """
        share, temperature = self._recipe.distillation, self._recipe.distillation_temperature
        taught = F.cross_entropy(logits / temperature, probs, reduction="none") * temperature**2
        return (1 - share) * loss + share * taught
