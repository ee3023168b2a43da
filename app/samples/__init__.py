"""Single images of a data set: thumbnails that lead to them, and the page that shows one."""
