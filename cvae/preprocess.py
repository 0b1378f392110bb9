"""Any picture as a digit of MNIST; the work is done in cvae/sketches."""

from cvae.sketches.digits import ink_to_digit, steps, to_digit

__all__ = ["ink_to_digit", "steps", "to_digit"]
