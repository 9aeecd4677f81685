import numpy as np

Array = np.ndarray

def walk(
    x: Array,
    at: Array,
    energy: Array,
    maps: Array,
    first: Array,
    terms: Array,
    angle: Array,
    gap: Array,
    delta: Array,
    work: Array,
) -> None: ...
def turns(x: Array, at: Array, energy: Array, angle: Array, gap: Array) -> None: ...
