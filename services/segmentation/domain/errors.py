"""The errors of segmentation's own words.

SegmentationError
|-- InvalidRule      a segment's rule is not a tree that can be evaluated; says where and why
`-- InvalidBands     the bands of the repurchase mode do not cover 0 to 1 in order
"""


class SegmentationError(Exception):
    """Root of every error that the domain raises on purpose."""


class InvalidRule(SegmentationError):
    """A rule names an unknown attribute or operator, has no value, or is too large."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer or '/'}: {detail}")
        self.pointer = pointer
        self.detail = detail


class InvalidBands(SegmentationError):
    """The lower ends of the mode's bands are not increasing inside (0, 1)."""
