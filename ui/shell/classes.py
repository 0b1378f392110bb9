"""What the labels of a model are called: on a page, in Markdown and in an address."""

from typing import TYPE_CHECKING

from ui.shell import words

if TYPE_CHECKING:
    from cvae.models import AnyModel

MOST_PILLS = 24  # labels that are offered side by side; more come in a list


def name(model: "AnyModel", label: int) -> str:
    """Return what a label is called in the model's data set; its number where the set gave it no name."""
    known = model.preset.classes
    return known[label] if label < len(known) else str(label)


def names(model: "AnyModel") -> list[str]:
    """Return the names of the labels that a model takes, in their order; none for a model without labels."""
    return [name(model, label) for label in range(model.config.n_classes)]


def are_digits(model: "AnyModel") -> bool:
    """Tell whether a model's classes are the ten digits, so that its pictures may be called digits."""
    return not model.preset.classes or tuple(model.preset.classes) == tuple("0123456789")


def noun(model: "AnyModel") -> str:
    """Return what a model's pictures may be called."""
    return "digit" if are_digits(model) else "picture"


def heading(model: "AnyModel") -> str:
    """Return what stands above a choice of one label."""
    return "Digit" if are_digits(model) else "Class"


def called(model: "AnyModel", label: int) -> str:
    """Return how a picture of this label is called."""
    return f"Digit {name(model, label)}" if are_digits(model) else name(model, label)


def parameter(model: "AnyModel", label: int) -> str:
    """Return how an address names a label: as the controls that offer it write it."""
    plain = name(model, label)
    return plain if model.config.n_classes > MOST_PILLS else words.markdown(plain)
