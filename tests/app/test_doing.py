"""A button does what the fields beside it hold when it is pressed, not what they held before."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from app.widgets.doing import do_button

    def keep(text: str) -> None:
        st.session_state.setdefault("kept", []).append(text)

    text = st.text_input("Text", "before", key="text")
    do_button("Keep", keep, (text,), key="keep")
    st.button("By callback", key="callback", on_click=keep, args=(text,))


def test_the_newest_text_is_taken_though_button_and_field_changed_at_once():
    page = AppTest.from_function(script, default_timeout=900).run()
    page.text_input("text").input("now")
    page.button("keep").click()
    page.run()  # both in one message, as from a browser where a field is left by pressing a button
    assert page.session_state["kept"] == ["now"]
    page.run()
    assert page.session_state["kept"] == ["now"]  # once
    page.text_input("text").input("later")
    page.button("callback").click()
    page.run()
    assert page.session_state["kept"] == ["now", "now"], "Streamlit's own way would do: use it"
