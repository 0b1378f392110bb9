"""The app without a browser: a small zoo of untrained checkpoints, a visit of a page, an answer of a route."""

import asyncio
import json
from functools import cache
from pathlib import Path

import numpy as np
import torch
from starlette.requests import Request
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from cvae import checkpoints, maps
from cvae.config import ModelConfig, Preset
from cvae.models import build_model

# Every run of a page in a test looks anew for components in all installed packages, which takes longer than the page.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
ROOT = Path(__file__).resolve().parent.parent
SMALL = {"widths": (4, 8), "blocks": (1, 1)}
MODELS = {
    "plane": ModelConfig(latent_dim=2, widths=(16,)),
    "sliders": ModelConfig(network="conv", latent_dim=12, widths=(4, 8)),
    "labels": ModelConfig("cvae", "residual", latent_dim=10, n_classes=10, flow_layers=2, flow_width=8, **SMALL),
    "painter": ModelConfig("inpainting", "residual", latent_dim=6, flow_layers=2, flow_width=8, **SMALL),
    "cleaner": ModelConfig("denoising", "residual", latent_dim=0, **SMALL),
    "judge": ModelConfig("classifier", "conv", widths=(4, 8), n_classes=10),
}


def fill(root: Path) -> None:
    """Write the small zoo into `root`, with the files that evaluate.py would write."""
    for name, config in MODELS.items():
        torch.manual_seed(0)
        preset = Preset(name, "A small model.", config, classes=tuple("0123456789"))
        checkpoints.save_run(root / name, preset, build_model(config).state_dict())
        rng = np.random.default_rng(0)
        if config.family in ("vae", "cvae"):
            maps.save_map(root / name, mapped(name))
        spread = {"n_importance": 8, "log_likelihood_quantiles": np.linspace(-700, -300, 21).tolist()}
        metrics = {"images": 10_000, "kl_per_dim": rng.random(config.latent_dim).tolist(), "classification": spread}
        (root / name / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")


def mapped(name: str) -> maps.LatentMap:
    """Return a map of 200 points drawn at random, with random pictures."""
    g = torch.Generator().manual_seed(0)
    u = torch.randn(200, MODELS[name].latent_dim, generator=g)
    embeddings = {"tsne": torch.randn(200, 2, generator=g), **({"plane": u} if u.shape[1] == 2 else {"pca": u[:, :2]})}
    sprite = maps.make_sprite(torch.randint(0, 256, (200, 28, 28), generator=g).byte().numpy())
    kept = {"knn_accuracy": 0.5, "trustworthiness": 0.6}
    figures = {"u": {"knn_accuracy": 0.7}, "mu": {"knn_accuracy": 0.8}, **{name: kept for name in embeddings}}
    nll, kl = torch.rand(2, 200, generator=g) * 50
    return maps.LatentMap(u, u, torch.arange(200) % 10, nll, kl, embeddings, sprite, figures)


def open_page(page: str, **parameters: str) -> AppTest:
    """Return the app after a visit of `page` with these parameters in the address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if page != "app.py":
        app.switch_page(page)
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.run()


def sent(app: AppTest, which: int = 0) -> dict:
    """Return what Python sent to a control of ours."""
    return json.loads(app.get("bidi_component")[which].proto.json)


def answer(handler, **query: str):
    """Return a route's response to these parameters."""
    text = "&".join(f"{name}={value}" for name, value in query.items())
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": text.encode()}

    async def ask():
        response = handler(Request(scope, asyncio.Event().wait))
        return await response if asyncio.iscoroutine(response) else response

    return asyncio.run(ask())
