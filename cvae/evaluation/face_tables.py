"""The figures of models of faces as Markdown, for docs/results.md."""

from typing import Any

from cvae.evaluation.subject import SMILE_JUDGE
from cvae.evaluation.tables import Figures, table
from cvae.faces.figures import STRENGTH

SHARPNESS = "sharpness: the mean length of the gradient of brightness over that of the originals"
SIMILAR = "nearest other picture is the same person"


def face_tables(models: Figures) -> list[str]:
    """Return the tables on faces, none without a model of faces."""
    if not models:
        return []
    n = max(m["test_pictures"] for m in models.values())
    who = f"{n:,} test pictures of people who are not in the training set"
    if some := [f"{m['test_pictures']:,} of them for `{name}`" for name, m in models.items() if m["test_pictures"] < n]:
        who += f" ({', '.join(some)}, whose label is known)"
    errors = "model", "code", "MSE (encoder alone)", "PCA's", "ratio"
    head = *errors, "SSIM", "PCA's", "sharpness", "PCA's", SIMILAR, "PCA's"
    first = f"Faces, {who}, beside as many principal components ({SHARPNESS}):\n\n"
    parts = [first + table(head, [_restored(name, m) for name, m in models.items()])]
    parts += [_likelihood(name, m) for name, m in models.items() if "kl" in m]
    return ["\n".join(parts), _smiles({name: m for name, m in models.items() if "smile" in m})]


def _restored(name: str, m: dict[str, Any]) -> list[str]:
    cells = [f"`{name}`", f"{m['code']}", f"{m['mse']:.5f} ({m['encoder_mse']:.5f})", f"{m['pca_mse']:.5f}"]
    cells += [f"{m['mse'] / m['pca_mse']:.2f}", f"{m['ssim']:.3f}", f"{m['pca_ssim']:.3f}"]
    cells += ["-" if (sharp := m.get(key)) is None else f"{sharp:.2f}" for key in ("sharpness", "pca_sharpness")]
    if not (same := m.get("similar")):
        return [*cells, "-", "-"]
    cells += [f"{100 * same['nearest_is_same_person']:.1f} % (plain {100 * same['nearest_plain']:.1f} %)"]
    return [*cells, f"{100 * same['nearest_pca']:.1f} %"]


def _likelihood(name: str, m: dict[str, Any]) -> str:
    density = "colours as a Gaussian of standard deviation 0.1, nats per picture"
    bound = f"nll {m['nll']:.1f}, kl {m['kl']:.1f}, -elbo {-m['elbo']:.1f}"
    return f"`{name}`, {density}: {bound}; {m['active_units']} of {len(m['kl_per_dim'])} units are active.\n"


def _smiles(models: Figures) -> str:
    moved = f"moved {STRENGTH:g} standard deviations along the smile direction, or told the other label"
    first = f"Test faces {moved}, as `{SMILE_JUDGE}` judges them (in brackets: as they are):\n\n"
    head = "model", "direction", "smile gained", "smile taken", "still nearest to itself among 100"
    rows = [_moved(name, m, way) for name, m in models.items() for way in m["smile"]]
    return first + table((*head, "change outside the mouth"), rows, left=2) + "\n" + _in_code(models)


def _moved(name: str, m: dict[str, Any], way: str) -> list[str]:
    smile, outside = m["smile"][way], f"{100 * m['dragged'][way]['outside_mouth']:.0f} %"
    changed = [f"{100 * smile[k]:.1f} % ({100 * smile[f'{k}_before']:.1f} %)" for k in ("adds", "takes")]
    return [f"`{name}`", way, *changed, f"{100 * smile['identity']:.1f} %", outside]


def _in_code(models: Figures) -> str:
    """Return what the difference of means does when the codes, and not the pictures, give the length of a step.

    Empty where all models are told the label.
    """
    shares = []
    for name, m in models.items():
        if "smile_in_code" not in m:
            continue
        three = (f"{100 * m['smile_in_code'][part]:.1f}" for part in ("adds", "takes", "identity"))
        shares.append(f"`{name}` {' / '.join(three)}")
    if not shares:
        return ""
    return (
        "A standard deviation is that of the pictures along what changes in them. In standard deviations of the codes, "
        "whose scale differs from model to model, the difference of means gains / takes / keeps nearest, "
        f"in %: {', '.join(shares)}.\n"
    )
