"""The control plane: what runs on the machine, who may use it, and the pages they see."""
