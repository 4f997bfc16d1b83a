"""Random views against scipy's affine transform and against what their ranges promise."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from mien.training.augment import augment, mix, spoil
from mien.training.recipe import Recipe

SPREADS = ("rotation_deg", "scale", "shear", "shift", "brightness", "contrast", "erasing", "blur", "noise")
STILL = {"flip": False, **dict.fromkeys(SPREADS, 0)}


def still(**changes: float | bool) -> Recipe:
    return Recipe(**{**STILL, **changes})  # type: ignore[arg-type]


def noise(n: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (n, 1, 48, 48), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def smooth() -> np.ndarray:
    return ndimage.gaussian_filter(noise(1).numpy()[0, 0].astype(float), 2) * 4 - 380


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Makes every uniform draw give this value from 0 to 1: at 1 each spread is used in full, at 0 its negative."""

    def plant(value: float) -> None:
        monkeypatch.setattr(torch, "rand", lambda *size, device=None: torch.full(size, value))

    return plant


def test_without_spreads_the_face_itself_is_seen() -> None:
    faces = noise()
    torch.testing.assert_close(augment(faces, still()), faces.float(), rtol=0, atol=1e-2)


def test_flips_alone_show_the_face_or_its_exact_mirror() -> None:
    faces = noise(64)
    views = augment(faces, still(flip=True))
    as_is = [torch.allclose(v, f.float(), atol=1e-2) for v, f in zip(views, faces, strict=True)]
    mirrored = [torch.allclose(v, f.float().flip(-1), atol=1e-2) for v, f in zip(views, faces, strict=True)]
    assert all(a != m for a, m in zip(as_is, mirrored, strict=True))
    assert 16 < sum(mirrored) < 48  # half of 64, give or take four standard deviations


def scipy_view(face: np.ndarray, recipe: Recipe, sign: int) -> np.ndarray:
    """Where output pixels come from, about the centre, in (x, y): rotation after shear after scale, then a shift."""
    angle, shear, scale = np.deg2rad(sign * recipe.rotation_deg), sign * recipe.shear, np.exp(sign * recipe.scale)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = (turn @ np.array([[1, shear], [0, 1]]) * scale)[::-1, ::-1]  # scipy counts rows first
    centre = np.array([23.5, 23.5])
    offset = centre + sign * recipe.shift * 48 - matrix @ centre
    return ndimage.affine_transform(face, matrix, offset, order=1, mode="nearest")


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "changes",
    [{"rotation_deg": 20}, {"shift": 0.1}, {"scale": 0.2}, {"shear": 0.15},
     {"rotation_deg": 15, "shift": 0.06, "scale": 0.12, "shear": 0.08}],
    ids=lambda changes: " ".join(changes),
)  # fmt: skip
def test_planted_movements_are_those_of_scipy(changes: dict[str, float], sign: int, drawn: Callable[[float], None]) -> None:
    drawn((sign + 1) / 2)
    face, recipe = smooth().clip(0, 255).astype(np.uint8), still(**changes)
    view = augment(torch.from_numpy(face)[None, None], recipe)[0, 0].numpy()
    expected = scipy_view(face.astype(float), recipe, sign)
    assert np.abs(expected - face).max() > 10  # the movement is no trifle
    np.testing.assert_allclose(view, expected, atol=0.05)


@pytest.mark.parametrize(("value", "sign"), [(1.0, 1), (0.0, -1), (0.75, 0.5)])
def test_planted_light_is_gain_about_the_mean_then_lift(value: float, sign: float, drawn: Callable[[float], None]) -> None:
    drawn(value)
    face = np.array([[100, 120], [140, 160]], np.uint8).repeat(24, 0).repeat(24, 1)  # mean 130
    view = augment(torch.from_numpy(face)[None, None], still(contrast=0.3, brightness=0.1))[0, 0].numpy()
    np.testing.assert_allclose(view, 130 + (face - 130.0) * np.exp(0.3 * sign) + 25.5 * sign, atol=0.01)


def test_strong_light_stays_in_the_grey_range() -> None:
    views = augment(noise(64), still(contrast=0.9, brightness=0.9, rotation_deg=20))
    assert views.min() == 0
    assert views.max() == 255


def test_erasing_fills_one_rectangle_of_the_promised_size_with_one_level() -> None:
    torch.manual_seed(0)
    faces = noise(400)
    views = augment(faces, still(erasing=0.999))
    shares = []
    for view, face in zip(views[:, 0], faces[:, 0], strict=True):
        rows, columns = torch.nonzero((view - face.float()).abs() > 0.1, as_tuple=True)
        if not len(rows):
            continue
        patch = view[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert (patch == patch[0, 0]).all()
        assert 0 <= patch[0, 0] <= 255
        shares.append(patch.numel() / 48**2)
    assert len(shares) > 390
    assert max(shares) < 0.22  # 20%, to the pixel
    # centres lie anywhere, so that about a quarter of the mean 11% falls outside
    assert 0.07 < np.mean(shares) < 0.10


@pytest.mark.parametrize("share", [0.0, 0.25, 0.6])
def test_erasing_meets_its_share_of_the_faces(share: float) -> None:
    torch.manual_seed(0)
    faces = noise(1000)
    changed = (augment(faces, still(erasing=share)) - faces.float()).abs().amax((1, 2, 3)) > 0.1
    assert changed.float().mean().item() == pytest.approx(share, abs=0.05)


def test_blur_is_a_gaussian_of_its_width(drawn: Callable[[float], None]) -> None:
    drawn(0.75)  # 0.5 + 2 * 0.75 pixels
    faces = noise(4)
    views = spoil(faces.float(), still(blur=0.9))
    for view, face in zip(views[:, 0].numpy(), faces[:, 0].numpy(), strict=True):
        expected = ndimage.gaussian_filter(face.astype(float), 2.0, mode="nearest", radius=6)
        np.testing.assert_allclose(view, expected, atol=0.01)


def test_noise_has_the_drawn_deviation_and_stays_in_the_grey_range(drawn: Callable[[float], None]) -> None:
    drawn(0.4)  # of 25 levels
    grey = torch.full((50, 1, 48, 48), 128.0)
    assert (spoil(grey, still(noise=0.9)) - grey).std().item() == pytest.approx(10, rel=0.02)
    bright = spoil(grey + 120, still(noise=0.9))
    assert bright.max() == 255


@pytest.mark.parametrize("kind", ["blur", "noise"])
def test_spoiling_meets_its_share_of_the_faces_and_leaves_the_others_alone(kind: str) -> None:
    torch.manual_seed(0)
    faces = noise(1000).float()
    changed = (spoil(faces, still(**{kind: 0.3})) - faces).abs().amax((1, 2, 3)) > 1e-3
    assert changed.float().mean().item() == pytest.approx(0.3, abs=0.05)


def test_the_seed_decides_the_views() -> None:
    def seeded(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return augment(noise(), Recipe())

    assert torch.equal(seeded(3), seeded(3))
    assert not torch.equal(seeded(3), seeded(4))


def test_each_face_of_a_batch_is_moved_in_its_own_way() -> None:
    views = augment(noise(1).expand(8, 1, 48, 48), Recipe(erasing=0))
    assert len({view.numpy().tobytes() for view in views}) == 8
    assert views.dtype == torch.float32


def test_mixing_blends_views_and_targets_of_the_same_two_faces_in_the_same_share() -> None:
    torch.manual_seed(3)
    targets = torch.eye(512)  # each face its own class, so a blend's targets say of whom it is and in what shares
    views = torch.randn(512, 1, 2, 3)
    mixed, shares, unmixed = mix(still(mixing=0.4), views, targets, targets)
    torch.testing.assert_close(mixed.flatten(1), shares @ views.flatten(1))
    torch.testing.assert_close(shares, unmixed)
    torch.testing.assert_close(shares.sum(1), torch.ones(512))
    assert (shares > 0).sum(1).max() == 2
    mine = shares.diagonal().numpy()
    blended = mine[(shares > 1e-6).sum(1).numpy() == 2]
    assert stats.kstest(blended, stats.beta(0.4, 0.4).cdf).pvalue > 0.001
    assert len(blended) / 512 > 0.9  # all but who was dealt itself, or a share too small to tell


def test_without_mixing_all_stays_as_it_is() -> None:
    views, targets = noise().float(), torch.rand(16, 8)
    assert [a is b for a, b in zip(mix(still(), views, targets), (views, targets), strict=True)] == [True, True]
