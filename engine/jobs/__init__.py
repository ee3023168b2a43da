"""Work in processes of its own: runs, background tasks, and the queue of each device."""
