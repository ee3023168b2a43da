"""What people decided about single images: the label journal, and data sets as they stand after it."""
