"""Charts: pure functions from data to a plotly Figure. No Streamlit, no torch, nothing is drawn
here.
"""

from app.charts.base import COLOURS, figure

__all__ = ["COLOURS", "figure"]
