"""What a lab does so that its answers come at once beside other work: its priority, and no long
collections while the canvas is built. Real processes.
"""

from __future__ import annotations

import os
import subprocess

from gradio_client import Client, handle_file
from PIL import Image, ImageDraw
from priorities import children, needs_raising, priorities
from weblab import ROOT, Server, add_run, command

from engine.lab import Lab
from engine.priority import AHEAD, FORWARD

COUNTS = """
import gc, os
from app.server import _canvas
from app.shared_lab import open_lab
full = []
gc.callbacks.append(lambda phase, info: full.append(phase) if info["generation"] == 2 else None)
gc.collect()
_canvas(open_lab(os.environ))
print(len(full), gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


def test_a_lab_goes_first_and_the_process_that_reads_drawings_does_not(tmp_path):
    needs_raising()
    add_run(Lab(tmp_path), name="mine")
    picture = Image.new("L", (120, 120), 255)
    ImageDraw.Draw(picture).line([(30, 30), (90, 30), (50, 100)], fill=0, width=12)
    picture.save(tmp_path / "seven.png")
    server = Server(tmp_path, alone=True)
    try:
        client = Client(server.address + "/canvas/", verbose=False, httpx_kwargs={"timeout": 900})
        file = handle_file(str(tmp_path / "seven.png"))
        client.predict(file, Lab(tmp_path).runs()[0].id, api_name="/predict")
        client.close()
        found = children(server.process.pid)
        (reader,) = [pid for pid, line in found.items() if "app.reading" in line]
        assert os.getpriority(os.PRIO_PROCESS, server.process.pid) == -AHEAD, "its event loop"
        assert priorities(server.process.pid) == ({-AHEAD, -FORWARD}, -FORWARD)
        assert priorities(reader) == ({0}, 0)
    finally:
        server.close()


def test_while_the_canvas_is_built_no_collection_looks_through_all_objects(tmp_path):
    arguments, environ = command(tmp_path, 1)
    done = subprocess.run(
        [*arguments[:1], "-c", COUNTS],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", "True", "True"], "begin and end of our own"
