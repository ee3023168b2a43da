"""A scatter of up to hundreds of thousands of points in WebGL, as a Streamlit component of our own.

Plotly's shows 60,000 points but no image on hover, and sends all of them again for every click.
Here the points travel once, as a binary file that the browser keeps, and a click answers with one
number.
"""
