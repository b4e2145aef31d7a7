"""What runs inside JupyterHub's process: its configuration, and the classes it is given."""
