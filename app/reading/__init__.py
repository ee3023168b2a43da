"""The process that reads drawings and strangers' pictures, and how the web process asks it."""
