"""Any picture as a digit of MNIST; the work is done in cvae/sketches."""

from cvae.sketches.digits import ink_to_digit
from cvae.sketches.reading import Digit, Reading, guesses, readings, shown, steps, to_digit, to_digits

__all__ = ["Digit", "Reading", "guesses", "ink_to_digit", "readings", "shown", "steps", "to_digit", "to_digits"]
