"""Parse vendor Hamiltonian strings; nothing is ever evaluated as code.

Grammar (spaces are ignored)::

    term     = "_SUM[" name "," integer "," integer "," term "]"
             | sum [ "||" ("D" | "U") integer ]
    sum      = ["+" | "-"] product { ("+" | "-") product }
    product  = power { ("*" | "/") power }
    power    = atom [ ("^" | "**") integer ]
    atom     = number | operator integer | variable | "pi" | "np.pi" | "(" sum ")"
    operator = "X" | "Y" | "Z" | "Sp" | "Sm" | "O" | "P" | "N" | "I"

Inside ``_SUM``, ``{i}``, ``{i+1}`` and ``{i-1}`` stand for the index. On more
than two levels ``Sp`` is a^dag, ``Sm`` a, ``O``, ``N`` and ``P`` a^dag a, ``X``
a + a^dag, ``Y`` i (a^dag - a) and ``Z`` 1 - 2 a^dag a. Products are brought to
normal order, so any way to write a Duffing chain is understood.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ..errors import DeviceError
from .ladder import Polynomial, constant, is_constant, ladder, multiply, power, scale, total

__all__ = ["HamiltonianTerms", "parse_hamiltonian", "parse_term"]

_TOKEN = re.compile(r"(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|(np\.pi|[A-Za-z_]\w*)|(\*\*|[-+*/^()])")
_SUM = re.compile(r"_SUM\[([A-Za-z_]\w*),(\d+),(\d+),(.*)\]\Z", re.S)
_INDEX = re.compile(r"\{([A-Za-z_]\w*)(?:([+-])(\d+))?\}")
_OPERATOR = re.compile(r"(Sp|Sm|X|Y|Z|O|P|N|I)(\d+)\Z")
_CHANNEL = re.compile(r"([DUdu])(\d+)\Z")
_MAX_TERMS = 100_000
_MAX_POWER = 8

Variables = Mapping[str, float]


@dataclass(frozen=True)
class HamiltonianTerms:
    """A Duffing chain, in the units of the vendor's variables."""

    frequency: Mapping[int, float] = field(default_factory=dict)  # coefficient of n_q
    anharmonicity: Mapping[int, float] = field(default_factory=dict)  # alpha of alpha/2 n (n - 1)
    exchange: Mapping[Tuple[int, int], float] = field(default_factory=dict)  # J of J (a^dag b + a b^dag)
    lines: Mapping[str, Tuple[Tuple[int, complex], ...]] = field(
        default_factory=dict
    )  # "d0" -> (qubit, coefficient of a)


class _Parser:
    """A recursive-descent parser over the tokens of one term."""

    def __init__(self, text: str, variables: Variables, whole: str) -> None:
        self.whole = whole
        self.variables = variables
        self.tokens: List[str] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error(f"{text[position:][:12]!r} is not part of it")
            self.tokens.append(match.group(0))
            position = match.end()
        self.at = 0

    def error(self, fact: str) -> DeviceError:
        return DeviceError(
            f"Hamiltonian term {self.whole!r} must follow the grammar of OpenPulse Hamiltonian strings, but {fact}. "
            "Operators are X, Y, Z, Sp, Sm, O, P, N, I with a qubit number; everything else must be a variable."
        )

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def parse(self) -> Polynomial:
        value = self.sum()
        if self.peek():
            raise self.error(f"{self.peek()!r} came where it should end")
        return value

    def sum(self) -> Polynomial:
        sign = -1.0 if self.peek() == "-" else 1.0
        if self.peek() in ("-", "+"):
            self.take()
        value = scale(self.product(), sign)
        while self.peek() in ("+", "-"):
            sign = 1.0 if self.take() == "+" else -1.0
            value = total(value, scale(self.product(), sign))
        return value

    def product(self) -> Polynomial:
        value = self.power()
        while self.peek() in ("*", "/"):
            if self.take() == "*":
                value = multiply(value, self.power())
                continue
            divisor = is_constant(self.power())
            if not divisor:
                raise self.error("something is divided by an operator or by 0")
            value = scale(value, 1 / divisor)
        return value

    def power(self) -> Polynomial:
        value = self.atom()
        if self.peek() in ("^", "**"):
            self.take()
            token = self.take()
            if not token.isdigit() or int(token) > _MAX_POWER:
                raise self.error(f"the power {token!r} is not an integer of 0 to {_MAX_POWER}")
            value = power(value, int(token))
        return value

    def atom(self) -> Polynomial:
        token = self.take()
        if token == "(":
            value = self.sum()
            if self.take() != ")":
                raise self.error("a bracket is not closed")
            return value
        if token and (token[0].isdigit() or token[0] == "."):
            return constant(float(token))
        operator = _OPERATOR.match(token)
        if operator and token not in self.variables:
            return ladder(operator.group(1), int(operator.group(2)))
        if token in self.variables:
            return constant(_number(token, self.variables[token]))
        if token in ("pi", "np.pi"):
            return constant(math.pi)
        raise self.error(f"{token!r} is neither a known operator nor a variable" if token else "it ends too early")


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise DeviceError(f"Hamiltonian variable {name!r} must be a finite real number, but {value!r} came.")
    return float(value)


def _expand(term: str, whole: str) -> List[str]:
    """Return the terms that a (nested) _SUM stands for."""
    if not term.startswith("_SUM"):
        return [term]
    match = _SUM.match(term)
    if match is None:
        raise DeviceError(f"Hamiltonian term {whole!r} must be written _SUM[i,first,last,term], but it is not.")
    name, first, last, body = match.group(1), int(match.group(2)), int(match.group(3)), match.group(4)
    if last - first > _MAX_TERMS:
        raise DeviceError(f"Hamiltonian term {whole!r} must not have more than {_MAX_TERMS} summands.")
    out: List[str] = []
    for value in range(first, last + 1):
        out += _expand(_INDEX.sub(_substitution(name, value), body), whole)
    return out


def _substitution(name: str, value: int) -> "Callable[[re.Match[str]], str]":
    def replace(match: "re.Match[str]") -> str:
        if match.group(1) != name:
            return match.group(0)
        shift = int(match.group(3) or 0)
        return str(value - shift if match.group(2) == "-" else value + shift)

    return replace


def parse_term(term: str, variables: Variables) -> List[Tuple[Optional[str], Polynomial]]:
    """Return (channel name or None, polynomial in ladder operators) pairs.

    Raises:
        DeviceError: not in the grammar, or an unknown variable.
    """
    out: List[Tuple[Optional[str], Polynomial]] = []
    for single in _expand("".join(term.split()), term):
        text, *rest = single.split("||")
        if len(rest) > 1:
            raise DeviceError(f"Hamiltonian term {term!r} must name one channel after '||', but {len(rest)} came.")
        channel = None
        if rest:
            match = _CHANNEL.match(rest[0])
            if match is None:
                raise DeviceError(
                    f"Hamiltonian term {term!r} must name a channel such as D0 or U3 after '||', but {rest[0]!r} came."
                )
            channel = f"{match.group(1).lower()}{match.group(2)}"
        out.append((channel, _Parser(text, variables, term).parse()))
    return out


def parse_hamiltonian(strings: Sequence[str], variables: Variables) -> HamiltonianTerms:
    """Return the Duffing chain that a list of Hamiltonian strings describes.

    Args:
        strings: the vendor's ``h_str``.
        variables: the vendor's ``vars``, any unit.

    Raises:
        DeviceError: a term that is not in the grammar, or that is no part of
            coupled Duffing oscillators with linear drives.

    The algebra is tested against matrices in tests/device/test_device_hamiltonian.py.
    """
    static: Polynomial = {}
    driven: Dict[str, Polynomial] = {}
    terms_of: Dict[str, str] = {}
    for string in strings:
        for channel, polynomial in parse_term(string, variables):
            if channel is None:
                static = total(static, polynomial)
            else:
                driven[channel] = total(driven.get(channel, {}), polynomial)
            for monomial in polynomial:
                terms_of.setdefault(f"{channel}|{monomial}", string)
    frequency: Dict[int, float] = {}
    anharmonicity: Dict[int, float] = {}
    exchange: Dict[Tuple[int, int], float] = {}
    negligible = 1e-12 * max((abs(v) for v in static.values()), default=0.0)  # what cancelled, up to rounding
    for monomial, value in static.items():
        text = terms_of.get(f"None|{monomial}", str(monomial))
        if len(monomial) == 1 and monomial[0][1:] in ((1, 1), (2, 2)):
            qubit, m, _ = monomial[0]
            target = frequency if m == 1 else anharmonicity
            target[qubit] = _real(value, text) * m
        elif len(monomial) == 2 and sorted(x[1:] for x in monomial) == [(0, 1), (1, 0)]:
            pair = (monomial[0][0], monomial[1][0])
            mirrored = tuple((q, n, m) for q, m, n in monomial)
            if abs(static.get(mirrored, 0.0) - value.conjugate()) > negligible:
                raise _unsupported(text, "is not Hermitian")
            exchange[pair] = _real(value, text)
        elif len(monomial) == 2 and {x[1:] for x in monomial} in ({(1, 0)}, {(0, 1)}) and _is_xx(static, monomial):
            continue  # the counter-rotating part of X X: dropped, as in every exchange coupling
        elif monomial and abs(value) > negligible:
            raise _unsupported(text, "is no frequency, anharmonicity, exchange coupling or drive")
    lines = {channel: _line(channel, polynomial, terms_of) for channel, polynomial in driven.items()}
    return HamiltonianTerms(frequency, anharmonicity, exchange, lines)


def _is_xx(static: Polynomial, monomial: Tuple[Tuple[int, int, int], ...]) -> bool:
    first, second = monomial
    partner = ((first[0], first[1], first[2]), (second[0], second[2], second[1]))
    return abs(static.get(partner, 0.0)) == abs(static[monomial])


def _line(channel: str, polynomial: Polynomial, terms_of: Mapping[str, str]) -> Tuple[Tuple[int, complex], ...]:
    found: Dict[int, complex] = {}
    for monomial, value in polynomial.items():
        text = terms_of.get(f"{channel}|{monomial}", str(monomial))
        if len(monomial) != 1 or monomial[0][1:] not in ((0, 1), (1, 0)):
            raise _unsupported(text, f"drives {channel} with something else than X or Y")
        qubit, m, n = monomial[0]
        if abs(polynomial.get(((qubit, n, m),), 0.0) - value.conjugate()) > 1e-9 * abs(value):
            raise _unsupported(text, "is not Hermitian")
        if n:
            found[qubit] = value
    return tuple(sorted(found.items()))


def _real(value: complex, text: str) -> float:
    if abs(value.imag) > 1e-9 * abs(value):
        raise _unsupported(text, "has a complex coefficient")
    return value.real


def _unsupported(text: str, fact: str) -> DeviceError:
    return DeviceError(
        f"Hamiltonian term {text!r} must be part of coupled Duffing oscillators with linear drives, but it {fact}."
    )
