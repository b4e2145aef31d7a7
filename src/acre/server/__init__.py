"""What lives inside a person's Jupyter server."""
