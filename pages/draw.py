"""Draw: the canvas inside the dashboard, and how to use it as an API."""

import streamlit as st

from app.sections.canvas_frame import canvas_frame
from app.widgets import damaged_box, empty, link, page
from app.widgets.address import base_address, canvas_address
from app.widgets.busy import quick_takes
from app.widgets.person import asking
from app.widgets.visiting import visiting_canvas
from engine.markdown import code
from engine.services.readers import readers

PYTHON = """from gradio_client import Client, handle_file

client = Client("{base}/canvas/")
answer = client.predict(handle_file("seven.png"), "{model}", api_name="/predict")
print(answer["label"], answer["verdict"], answer["confidences"][:3])"""

CURL = """# 1. send the picture, 2. ask, 3. read the answer
FILE=$(curl -sF files=@seven.png {base}/canvas/gradio_api/upload | tr -d '[]"')
EVENT=$(curl -s {base}/canvas/gradio_api/call/predict -H 'Content-Type: application/json' \\
  -d '{{"data": [{{"path": "'$FILE'", "meta": {{"_type": "gradio.FileData"}}}}, "{model}"]}}' | cut -d'"' -f4)
curl -s {base}/canvas/gradio_api/call/predict/$EVENT"""


KEY = (
    "This lab lets in only programs that send its key, which {whose}: in Python"
    ' `Client(…, headers={{"Authorization": "Bearer KEY"}})`, with curl'
    " `-H 'Authorization: Bearer KEY'` in each of the three."
)


def program(model: str, key: str) -> None:
    """How to ask the canvas from a program. key: who has the one that it needs; '' where it needs none."""
    st.markdown(
        "The canvas is an API too: `/predict(image, model)` takes a picture of one"
        " character (a drawing, a scan or a photograph; dark on light or light on dark) and"
        " returns the likeliest class with the probabilities, and a verdict: whether it may be believed."
    )
    if key:
        st.markdown(KEY.format(whose=key))
    python, curl = st.tabs(["Python", "curl"])
    python.code(PYTHON.format(base=base_address(), model=model), language="python")
    curl.code(CURL.format(base=base_address(), model=model), language="bash")


with page("Draw", "Draw one character; the model answers while the pen moves.") as lab:
    known = lab.models()
    models = [model.name for model in readers(known)]
    wanted = st.query_params.get("model")
    if models and wanted and wanted not in models:
        why = (
            f"The model {code(wanted)} reads no drawings"
            if wanted in {model.name for model in known}
            else f"There is no model {code(wanted)} in this lab"
        )
        st.warning(f"{why}; the canvas shows the best one it has.", icon=":material/info:")
        wanted = None
    if not models:
        empty(
            f"No model that reads drawings has been saved yet. Train one first: {quick_takes(lab)}",
            "train",
            "Open the recipe quick",
            recipe="quick",
        )
    else:
        visiting_canvas(lab)
        canvas_frame(wanted)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.link_button(
                "Open it full size", canvas_address(wanted), icon=":material/open_in_new:"
            )
            link("models", "About the models")
        box = st.expander(
            "Use it from a program", icon=":material/code:", key="program", on_change="rerun"
        )
        if box.open:  # a closed box is not filled: colours for code take a browser half a second
            with box:
                closed = lab.settings.mode == "class" or (
                    lab.settings.mode == "own" and lab.settings.key
                )
                whose = (
                    "was printed where the lab was started"
                    if asking().leads
                    else "your teacher has"
                )
                program(wanted or models[0], whose if closed else "")
    damaged_box(lab.taught.damaged(), lab.taught.delete_damaged if lab.may("tidy") else None)
