"""Name the lines of a device: drive, control, measure and acquire channels."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from ..errors import ProgramError

__all__ = ["Channel", "acquire", "control", "drive", "measure"]

KINDS = ("d", "u", "m", "a")
_NAME = re.compile(r"([duma])(0|[1-9][0-9]*)\Z")


class Channel(NamedTuple):
    """One channel: a kind ("d", "u", "m" or "a") and an index."""

    kind: str
    index: int  # type: ignore[assignment]  # tuple.index gives way to the channel's

    @property
    def name(self) -> str:
        """The name in Qiskit's and OpenPulse's spelling, such as "d0"."""
        return f"{self.kind}{self.index}"

    def __str__(self) -> str:
        return self.name

    @staticmethod
    @cache
    def parse(name: str) -> "Channel":
        """Return the channel called ``name``.

        Raises:
            ProgramError: not the name of a channel.
        """
        match = _NAME.match(name)
        if match is None:
            raise ProgramError(
                f"Argument `name` must be a channel name such as 'd0', 'u3', 'm1' or 'a1', but {name!r} came."
            )
        return Channel(match.group(1), int(match.group(2)))


def drive(index: int) -> Channel:
    """Return the drive channel of qubit ``index``."""
    return Channel("d", index)


def control(index: int) -> Channel:
    """Return control channel ``index``."""
    return Channel("u", index)


def measure(index: int) -> Channel:
    """Return the measure (readout stimulus) channel of qubit ``index``."""
    return Channel("m", index)


def acquire(index: int) -> Channel:
    """Return the acquire channel of qubit ``index``."""
    return Channel("a", index)
