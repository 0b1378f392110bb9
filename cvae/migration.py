"""Configurations as version 1 wrote them, in the form of today: the one place that knows the older form.

Version 1 had no number. In the place of a list of stages it had fourteen fields, of which a fixed order of stages was
made.
"""

from typing import Any

from cvae import limits

VERSION = 2
USUAL = {  # what the fields of version 1 that have gone were where a file does not name them
    "epochs": 20,
    "lr": 1e-3,
    "prior_epochs": 0,
    "prior_lr": 1e-3,
    "prior_samples": 8,
    "bend_epochs": 0,
    "bend_lr": 1e-3,
    "bend_cycles": 1,
    "weighted_epochs": 0,
    "weighted_lr": 5e-4,
    "weighted_samples": 8,
    "refine_epochs": 0,
    "refine_lr": 1e-3,
    "refine_cycles": 1,
}
WARMUP = 0.1  # the same in all that was shipped, and no setting any more
CYCLES = ("bend_cycles", "refine_cycles")
NO_LIMIT = 1e6  # a maximum gradient norm that was meant as none


def current(content: Any) -> Any:
    """Return the content of a config.json in the form of today; what is no configuration at all comes back as it is.

    A key that means nothing stays where it is, so that whoever reads the configuration refuses it by its name.
    ValueError where a number that others are made of is none.
    """
    if not isinstance(content, dict) or "version" in content:
        return content.copy() if isinstance(content, dict) else content
    parts = {part: form(content[part]) for part, form in _FORMS.items() if isinstance(content.get(part), dict)}
    return {**content, **parts, "version": VERSION}


def _data(old: dict[str, Any]) -> dict[str, Any]:
    """Return DataConfig: `turn` was degrees, and percent of the size too."""
    if "turn" not in old:
        return old
    if type(old["turn"]) not in (int, float):
        raise ValueError("DataConfig.turn must be a number.")
    return {**old, "zoom": old["turn"] / 100}


def _train(old: dict[str, Any]) -> dict[str, Any]:
    fields = {**USUAL, **{key: value for key, value in old.items() if key in USUAL}}
    if any(type(fields[key]) is not int or not 0 <= fields[key] <= limits.STAGES for key in CYCLES):
        raise ValueError(f"TrainConfig.{' and '.join(CYCLES)} must be whole numbers from 0 to {limits.STAGES}.")
    if type(fields["bend_lr"]) not in (int, float):
        raise ValueError("TrainConfig.bend_lr must be a number.")
    kept = {key: value for key, value in old.items() if key not in USUAL}
    if kept.get("warmup") == WARMUP:
        del kept["warmup"]
    if kept.get("clip") == NO_LIMIT:
        kept["clip"] = 0.0
    return {"stages": _stages(fields), **kept}


def _stages(old: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the stages in the order of version 1: cycles of the whole model, each with the prior alone behind it."""
    alone = {"objective": "prior", "samples": old["prior_samples"]}
    after = [{"epochs": old["prior_epochs"], "lr": old["prior_lr"], **alone}] if old["prior_epochs"] else []
    frozen = {"frozen": "posterior_flow"} if old["bend_epochs"] else {}
    stages = [{"epochs": old["epochs"], "lr": old["lr"], **frozen}, *after]
    for i in range(old["bend_cycles"] if old["bend_epochs"] else 0):
        stages += [{"epochs": old["bend_epochs"], "lr": old["bend_lr"] / 2**i}, *after]
    if old["weighted_epochs"]:
        weighted = {"objective": "weighted", "samples": old["weighted_samples"]}
        stages.append({"epochs": old["weighted_epochs"], "lr": old["weighted_lr"], **weighted})
    refined = {"epochs": old["refine_epochs"], "lr": old["refine_lr"], "objective": "refined"}
    return stages + [refined] * (old["refine_cycles"] if old["refine_epochs"] else 0)


_FORMS = {"data": _data, "train": _train}
