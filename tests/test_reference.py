"""The shipped checkpoints put out what they always did, whatever becomes of the code that runs them."""

import pytest
import torch

from cvae import checkpoints
from tests import reference

STORED, HASHES = reference.read()


@pytest.mark.parametrize("name", checkpoints.list_runs())
def test_a_shipped_checkpoint_puts_out_what_it_always_did(name):
    anew = f"{name} has other weights than those of its reference; make that anew: python -m tests.reference {name}"
    assert HASHES.get(name) == checkpoints.weights_hash(name), anew
    made = reference.outputs(name)
    assert made.keys() == STORED[name].keys()
    for output, value in made.items():
        scale = 1.0 if output == "pixels" else max(1.0, float(value.abs().max()))  # others have their own
        torch.testing.assert_close(value, STORED[name][output], atol=1e-5 * scale, rtol=0)
