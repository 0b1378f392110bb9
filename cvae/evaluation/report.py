"""What was measured of a model, in a few lines that a person reads."""

from typing import Any
from urllib.parse import urlencode

from cvae.config import Preset

ADDRESS = "http://127.0.0.1:8501"  # of `streamlit run app.py`, unless that port is taken


def lines(name: str, preset: Preset, figures: dict[str, Any]) -> list[str]:
    """Return what a model is and costs, its main figures with units, and where to look at it: five lines or fewer."""
    on = f"on the {figures['images']:,} test pictures of {preset.data.dataset}: "
    others = [*_pictures(figures), *_classes(figures), *_completion(figures), *_faces(figures)]
    told = ["; ".join(part) for part in (_likelihood(figures), others) if part]
    head = [f"{name}: {preset.summary}.", f"  {_cost(preset, figures)}", f"  {on}{told[0]}"]
    return [*head, *(f"  {line}" for line in told[1:]), where(name, preset)]


def where(name: str, preset: Preset, page: str = "") -> str:
    """Return the command and the address at which a model is looked at."""
    page = page or _page(preset)
    query = {"model": name}
    if not preset.model.kind.latent:
        query = {"task": "Denoise", "denoiser": name} if page == "Draw" else {"a": name}
    return f"  Look at it: streamlit run app.py, then {ADDRESS}/{page}?{urlencode(query)}"


def _page(preset: Preset) -> str:
    kind = preset.model.kind
    if kind.decodes:
        if preset.data.dataset.split(":")[0] != "lfw":
            return "Explore"
        return "Generate" if kind.labelled else "Faces"
    return "Inpaint" if kind.completes else "Draw" if kind.cleans else "Models"


def _cost(preset: Preset, figures: dict[str, Any]) -> str:
    size = f"{figures['parameters']:,} parameters"
    size += f", {figures['bytes'] / 1e6:.1f} MB" if "bytes" in figures else ""
    decoding = f", {figures['decode_ms']:.1f} ms to decode one picture" if "decode_ms" in figures else ""
    trained = f", trained for {figures['training_seconds'] / 60:.0f} min" if "training_seconds" in figures else ""
    return f"{preset.model.family}, {preset.model.network}: {size}{decoding}{trained}"


def _likelihood(figures: dict[str, Any]) -> list[str]:
    """Return the terms of the bound, where there is one."""
    if "elbo" not in figures:
        return []
    used = f"{figures['active_units']} of {len(figures['kl_per_dim'])} latents are active"
    bound = f"-elbo {-figures['elbo']:.2f} nats per picture = nll {figures['nll']:.2f} + kl {figures['kl']:.2f}; {used}"
    if "log_likelihood" not in figures:
        return [bound]
    of = f"importance-weighted, {figures['iw_samples']:,} samples, {figures['iw_images']:,} pictures"
    return [bound, f"-log p {-figures['log_likelihood']:.2f} nats per picture ({of})"]


def _pictures(figures: dict[str, Any]) -> list[str]:
    """Return how near the pictures come that a model gives back, cleans or draws."""
    cleaned = figures.get("psnr", {}).items()
    told = [f"{what}: PSNR {v['before']:.1f} dB, cleaned {v['after']:.1f} dB" for what, v in cleaned]
    if "mse" in figures:
        told.append(f"mean squared error of a reconstruction {figures['mse']:.4f} (white is 1)")
    if "ink_iou" in figures:
        told.append(f"ink of made photographs: intersection over union {100 * figures['ink_iou']:.1f} %")
    if "diversity" in figures:
        told.append(f"samples differ {figures['diversity']:.2f} times as much as test pictures do")
    return told


def _classes(figures: dict[str, Any]) -> list[str]:
    """Return what share of pictures is read right, of the test set by a model or of a model's samples by the judge."""
    told = [f"reads {100 * figures['accuracy']:.2f} % right"] if "accuracy" in figures else []
    if "classification" in figures:
        told.append(f"reads {100 * figures['classification']['accuracy']:.2f} % right as a generative classifier")
    if "judge_accuracy" in figures:
        told.append(f"{100 * figures['judge_accuracy']:.1f} % of its samples are read as the class that was asked for")
    return told


def _completion(figures: dict[str, Any]) -> list[str]:
    holes = ", ".join(f"{hole} {error:.4f}" for hole, error in figures.get("hole_mse", {}).items())
    return [f"mean squared error of completed pixels, mean of {figures['hole_samples']}: {holes}"] if holes else []


def _faces(figures: dict[str, Any]) -> list[str]:
    if "pca_mse" not in figures:
        return []
    told = [f"as many principal components: {figures['pca_mse']:.4f}"]
    if "similar" in figures:
        same = f"{100 * figures['similar']['nearest_is_same_person']:.1f} %"
        told.append(f"the nearest other picture is the same person for {same}")
    if by_label := figures.get("smile", {}).get("label"):
        told.append(f"told the other label {100 * by_label['adds']:.1f} % smile, {100 * by_label['takes']:.1f} % stop")
    return told
