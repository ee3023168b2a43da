"""Charts: pure functions from data to a plotly Figure. No Streamlit, no torch, nothing is drawn
here.
"""

from app.charts.base import COLOURS, class_colours, figure

__all__ = ["COLOURS", "class_colours", "figure"]
