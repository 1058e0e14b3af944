"""What storage may meet.

TransientFailure (of the bus)
`-- ChangedMeanwhile     a row is not as it was loaded: the whole batch is to be loaded and judged again
"""

from libs.eventbus.errors import TransientFailure


class ChangedMeanwhile(TransientFailure):
    """A row is not as it was loaded."""
