"""How a pixel ended: a number in the result, a sentence for people."""

from enum import IntEnum

__all__ = ["Code"]


class Code(IntEnum):
    """Result codes; values are also written for all but `REFUSED`."""

    CONVERGED = 0
    AT_BOUND = 1
    NOT_CONVERGED = 2
    NO_OBSERVATION = 3
    MISFIT = 4
    REFUSED = 5
    FILLED = 6

    @property
    def sentence(self) -> str:
        """What happened, and what to do about it."""
        return _SENTENCES[self]

    @property
    def is_usable(self) -> bool:
        """Whether the value and its uncertainty say something that the prior did not."""
        return self in (Code.CONVERGED, Code.AT_BOUND, Code.FILLED)


_SENTENCES = {
    Code.CONVERGED: "Converged.",
    Code.AT_BOUND: "Converged with a parameter at its bound; the interval is one-sided there.",
    Code.NOT_CONVERGED: "Not converged; allow more iterations, or look at the pixel's bands.",
    Code.NO_OBSERVATION: "No observation; the result is the prior.",
    Code.MISFIT: "The model cannot explain this pixel (water, cloud, shadow, built-up, unusual soil); mask it.",
    Code.REFUSED: "An angle is missing or a reflectance impossible; look at the input.",
    Code.FILLED: "No observation on this date; the result comes from the other dates and the dynamics.",
}
