import numpy as np

Array = np.ndarray

def uniforms(seed: int, experiment: int, stream: int, purpose: int, first: int, out: Array) -> None: ...
def numbers(seed: int, experiment: int, purpose: int, few: int, member: Array, number: Array, out: Array) -> None: ...
def choose(cumulative: Array, u: Array, out: Array) -> None: ...
def decay(
    seed: int,
    experiment: int,
    stream: int,
    purpose: int,
    first: int,
    rates: Array,
    target: Array,
    duration: float,
    level: Array,
) -> None: ...
def read(
    seed: int,
    experiment: int,
    stream: int,
    purpose: int,
    first: int,
    start: Array,
    rates: Array,
    target: Array,
    field: Array,
    tail: Array,
    memory: Array,
    w_lambda: Array,
    sigma: float,
    form: Array,
    iq: Array,
    bits: Array,
    end: Array,
) -> None: ...
def trace(
    seed: int,
    experiment: int,
    stream: int,
    purpose: int,
    purpose_trace: int,
    first: int,
    start: Array,
    rates: Array,
    target: Array,
    field: Array,
    mean: Array,
    gain: Array,
    w_lambda: Array,
    weights: Array,
    group: int,
    sigma_sample: float,
    sigma: float,
    out: Array,
) -> None: ...
