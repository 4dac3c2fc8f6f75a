"""The screens of the terminal app: one module each, with its style beside it."""
