"""Random views of faces, a whole batch at a time, on the device that trains."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mien.training.recipe import Recipe


def augment(faces: Tensor, recipe: Recipe) -> Tensor:
    """faces: uint8 [n,1,h,w] -> float32 [n,1,h,w], grey levels from 0 to 255. Draws from torch's global generator."""
    return spoil(view(faces, recipe), recipe)


def view(faces: Tensor, recipe: Recipe) -> Tensor:
    """As `augment`: the faces moved and in another light, with all of their content."""
    views = F.grid_sample(faces.float(), _grid(faces, recipe), mode="bilinear", padding_mode="border", align_corners=False)
    return _relight(views, recipe)


def spoil(views: Tensor, recipe: Recipe) -> Tensor:
    """Takes content from views [n,1,h,w]: by blur, noise and erasing, as the recipe says."""
    return _erase(_disturb(_blur(views, recipe), recipe), recipe)


def mix(recipe: Recipe, *batches: Tensor) -> list[Tensor]:
    """Blends each row of the batches [n,...] with a random other, the same one in the same share for all: views and targets.

    Source: mixup, Zhang et al. 2017, arXiv:1710.09412, section 2.
    """
    if recipe.mixing == 0:
        return list(batches)
    first = batches[0]
    others = torch.randperm(len(first), device=first.device)
    shares = torch.distributions.Beta(recipe.mixing, recipe.mixing).sample((len(first),)).to(first.device)
    return [torch.lerp(b, b[others], shares.view(-1, *[1] * (b.ndim - 1))) for b in batches]


def _uniform(like: Tensor, spread: float) -> Tensor:
    """[n], uniform in ± spread."""
    return (torch.rand(len(like), device=like.device) * 2 - 1) * spread


def _grid(faces: Tensor, recipe: Recipe) -> Tensor:
    """Where each output pixel is taken from: rotation, scale by exp(± scale), shear, shift and flip in one affine map."""
    angle = _uniform(faces, recipe.rotation_deg * torch.pi / 180)
    width, height = (torch.exp(_uniform(faces, recipe.scale)) for _ in range(2))
    shear = _uniform(faces, recipe.shear)
    flip = torch.where(torch.rand_like(angle) < 0.5 * recipe.flip, -1.0, 1.0)
    cos, sin = angle.cos(), angle.sin()
    shift = torch.stack([_uniform(faces, 2 * recipe.shift) for _ in range(2)], 1)  # the grid spans 2
    rows = [cos * width * flip, (shear * cos - sin) * height, sin * width * flip, (shear * sin + cos) * height]
    theta = torch.cat([torch.stack(rows, 1).view(-1, 2, 2), shift[:, :, None]], 2)
    return F.affine_grid(theta, list(faces.shape), align_corners=False)


def _relight(views: Tensor, recipe: Recipe) -> Tensor:
    """Contrast by exp(± contrast) about each face's own mean, brightness, a factor of light; clipped to the grey range."""
    gain = torch.exp(_uniform(views, recipe.contrast)).view(-1, 1, 1, 1)
    mean = views.mean(dim=(1, 2, 3), keepdim=True)
    lift = _uniform(views, 255 * recipe.brightness).view(-1, 1, 1, 1)
    relit = torch.addcmul(mean * (1 - gain) + lift, views, gain)
    if recipe.light_low != 1 or recipe.light_high != 1:
        middle, half = (recipe.light_high + recipe.light_low) / 2, (recipe.light_high - recipe.light_low) / 2
        relit = relit * (middle + _uniform(views, half)).view(-1, 1, 1, 1)
    return relit.clamp_(0, 255)


def _blur(views: Tensor, recipe: Recipe) -> Tensor:
    """A Gaussian of 0.5 to 2.5 pixels, as small, unsharp and moving faces have it."""
    if recipe.blur == 0:
        return views
    draw = torch.rand(2, len(views), device=views.device)
    chosen = torch.nonzero(draw[1] < recipe.blur)[:, 0]
    if not len(chosen):
        return views
    reach = torch.arange(-6, 7, device=views.device)
    kernel = torch.exp(-0.5 * (reach / (0.5 + 2 * draw[0, chosen, None])) ** 2)
    kernel /= kernel.sum(1, keepdim=True)
    rows = F.pad(
        views[chosen].transpose(0, 1), (6, 6, 6, 6), mode="replicate"
    )  # the faces are channels, each with its own kernel
    columns = F.conv2d(rows, kernel[:, None, None], groups=len(chosen))
    return views.index_copy(0, chosen, F.conv2d(columns, kernel[:, None, :, None], groups=len(chosen)).transpose(0, 1))


def _disturb(views: Tensor, recipe: Recipe) -> Tensor:
    """Gaussian noise of up to 25 grey levels, clipped to the grey range."""
    if recipe.noise == 0:
        return views
    draw = torch.rand(2, len(views), 1, 1, 1, device=views.device)
    chosen = torch.nonzero(draw[0].flatten() < recipe.noise)[:, 0]
    noisy = views[chosen] + 25 * draw[1, chosen] * torch.randn_like(views[chosen])
    return views.index_copy(0, chosen, noisy.clamp_(0, 255))


def _erase(views: Tensor, recipe: Recipe) -> Tensor:
    """One random rectangle of 2 to 20% of the area, sides in ratio 1:3 to 3:1, becomes one grey level.

    Source: Zhong et al. 2017, arXiv:1708.04896.
    """
    if recipe.erasing == 0:
        return views
    n, _, height, width = views.shape
    draw = torch.rand(6, n, 1, 1, 1, device=views.device)
    area, ratio = 0.02 + 0.18 * draw[0], torch.exp((draw[1] * 2 - 1) * torch.log(torch.tensor(3.0)))
    half_height, half_width = (area * ratio).sqrt() * height / 2, (area / ratio).sqrt() * width / 2
    y = torch.arange(height, device=views.device).view(1, 1, -1, 1)
    x = torch.arange(width, device=views.device).view(1, 1, 1, -1)
    inside = ((y - draw[2] * height).abs() < half_height) & ((x - draw[3] * width).abs() < half_width)
    return torch.where(inside & (draw[4] < recipe.erasing), draw[5] * 255, views)
