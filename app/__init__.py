"""What people see: the server, the dashboard, the canvas, and the pieces that pages are built from."""
