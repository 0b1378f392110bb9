"""What Home says and offers: it follows the models that are there, and every link names the one that it needs."""

from typing import TYPE_CHECKING

from cvae import checkpoints
from ui.shell import classes, controls, resources, sampling, words

if TYPE_CHECKING:
    from cvae.models import LatentModel

LEADS = {
    True: "Drag across the plane. Every point of it is a {} that nobody {}.",
    False: "Move the sliders. Every point of latent space is a {} that nobody {}.",
}
ABOUT = """
A **variational autoencoder** squeezes each picture into a few numbers and learns to draw it again from them. The
numbers span a *latent space*: near points are similar pictures, and on the way from one {noun} to another lie {noun}s
too.
The model above learned from {data}. What you see is decoded while you move.
"""
MNIST = "58,000 handwritten digits of MNIST"
Try = tuple[str, str, dict[str, str]]  # page, sentence, parameters of the link


def lead(model: "LatentModel") -> str:
    """Return the line below the title: what to do with the control of this model."""
    made = "wrote" if classes.are_digits(model) else "made"
    return LEADS[controls.flat(model.config)].format(classes.noun(model), made)


def about(model: "LatentModel") -> str:
    """Return what such models are and what this one learned from, as Markdown."""
    dataset = model.preset.data.dataset
    data = MNIST if dataset == "mnist" else f"the pictures of {words.markdown(dataset.rstrip('/').rpartition('/')[2])}"
    return ABOUT.format(noun=classes.noun(model), data=data)


def tries() -> list[Try]:
    """Return what the models at hand can do, a link for each."""
    return [*_plane(), *_labels(), *_drawing(), *_smile(), *_hole(), *_map(), *_pair()]


def _plane() -> list[Try]:
    name, model = controls.best(controls.flat, resources.is_picture) or ("", None)
    page = "pages/1_Explore.py"
    if model is None:
        return []
    if not controls.flat(model.config):
        return [(page, "Move along each dimension of latent space and see what it does", {"model": name})]
    turns = "a 4 turns into a 9" if classes.are_digits(model) else "one class turns into another"
    return [
        (page, f"Drag over the plane and find where {turns}", {"model": name}),
        (page, f"See the whole plane of {classes.noun(model)}s at once", {"model": name, "view": controls.PLANE}),
    ]


def _labels() -> list[Try]:
    name, model = controls.best(controls.labelled, resources.is_picture) or ("", None)
    page = "pages/2_Generate.py"
    if model is None:
        return []
    if not controls.labelled(model.config):
        return [(page, f"Ask for fifty {classes.noun(model)}s that nobody made", {"model": name})]
    digits = classes.are_digits(model) and model.config.n_classes == 10
    one = 7 if digits else 0
    what = "sevens" if digits else f"pictures of {words.markdown(classes.name(model, one))}"
    style = "the handwriting of all ten digits" if digits else "the style of all classes"
    return [
        (page, f"Ask for fifty new {what}", {"model": name, "digits": classes.parameter(model, one)}),
        (page, f"Change {style} together", {"model": name, "show": sampling.every(model)}),
    ]


def _drawing() -> list[Try]:
    name, model = controls.best(controls.labelled, resources.is_grey) or ("", None)
    if model is None:
        return []
    writes = "Write a digit" if classes.are_digits(model) else "Draw a picture"
    does = "read" if controls.labelled(model.config) else "redraw"
    return [("pages/3_Draw.py", f"{writes} and watch the model {does} it", {"model": name})]


def _smile() -> list[Try]:
    name, model = controls.best(controls.largest, controls.is_measured_face) or ("", None)
    try:
        smiles = model is not None and "Smiling" in resources.space(name).columns
    except ValueError:  # damaged; the page says so
        return []
    if model is None:
        return []
    if smiles:
        return [("pages/6_Faces.py", "Give a face a smile", {"model": name, "a_Smiling": "2"})]
    return [("pages/6_Faces.py", "Turn one face into another", {"model": name, "tool": "Morph"})]


def _hole() -> list[Try]:
    name, model = controls.best(controls.paints, resources.is_grey, resources.PAINTING) or ("", None)
    if model is None:
        return []
    sentence = f"Paint a hole over a {classes.noun(model)} and see eight ways to fill it"
    return [("pages/4_Inpaint.py", sentence, {"model": name})]


def _map() -> list[Try]:
    mapped = lambda model: resources.is_grey(model) and resources.has_points(model.preset.name)  # noqa: E731
    name, model = controls.best(controls.textbook, mapped, resources.MAPPED) or ("", None)
    digits = None if model is None else resources.encoded(name)
    if digits is None:
        return []
    count = len(digits.u)
    many = "ten thousand" if count == 10_000 else f"{count:,}"
    sentence = f"Walk among {many} {classes.noun(model)}s and find those that look like yours"
    return [("pages/5_Map.py", sentence, {"model": name})]


def _pair() -> list[Try]:
    names = resources.available()[0]
    if len(names) < 2:
        return []
    if not any((checkpoints.ROOT / name / checkpoints.PROGRESS).is_file() for name in names):
        return [("pages/7_Models.py", "Compare two models", {"view": "Side by side"})]
    return [("pages/7_Models.py", "Compare two models and watch them learn", {"view": "Watch it learn"})]
