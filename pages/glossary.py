"""Glossary: what the figures and methods on the other pages mean."""

import streamlit as st

from app.glossary import as_markdown
from app.widgets import empty, page

with page("Glossary", "What the figures mean, what is good, and where to read more."):
    # No max_chars: its count of letters, "3/60", reads as a count of entries.
    words = st.text_input("Search", key="glossary", placeholder="for example: McNemar")
    if text := as_markdown(words):
        st.markdown(text)
    else:
        empty(f"No entry mentions `{words.strip()}`. Clear the search to see them all.")
