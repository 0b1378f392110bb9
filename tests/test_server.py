"""The launcher process."""

import subprocess
import sys

from tests.conftest import ROOT

SERVE = """
import asyncio, gc, sys
gc.disable()  # as app.py does before it imports
from ui import server
async def main():
    async with server.lifespan(None):
        print(gc.isenabled(), gc.get_freeze_count() > 0, "torch" in sys.modules, "scipy" in sys.modules)
asyncio.run(main())
"""


def test_a_server_that_answers_collects_garbage_again_but_not_what_it_was_started_with():
    found = subprocess.run([sys.executable, "-c", SERVE], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.split() == ["True", "True", "True", "False"]  # SciPy comes later, in time for the first drawing
