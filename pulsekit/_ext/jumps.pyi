import numpy as np

class Tree:
    def __init__(
        self,
        margin: int,
        total: int,
        levels: np.ndarray,
        strides: np.ndarray,
        group: int,
        dp: int,
        segments: np.ndarray,
        busy: np.ndarray,
        tables: np.ndarray,
        layers: np.ndarray,
        pool: np.ndarray,
        kinds: np.ndarray,
        diagonal: np.ndarray,
        span: np.ndarray,
        rates: np.ndarray,
        rate: np.ndarray,
        origin: np.ndarray,
        factor: np.ndarray,
        seed: int,
        experiment: int,
        purpose: int,
        few: int,
        members: np.ndarray,
        level: np.ndarray,
        row: np.ndarray,
        used: np.ndarray,
        which: np.ndarray,
        re: np.ndarray,
        im: np.ndarray,
        ket: np.ndarray,
        ring: np.ndarray,
        free: np.ndarray,
        count: int,
    ) -> None: ...
    @property
    def done(self) -> bool: ...
    def grow(
        self,
        re: np.ndarray,
        im: np.ndarray,
        place: np.ndarray,
        lent: np.ndarray,
        reach: np.ndarray,
        out_re: np.ndarray,
        out_im: np.ndarray,
        out: np.ndarray,
        state: np.ndarray,
        budget: int,
    ) -> int: ...

def normalised(x: np.ndarray, turn: np.ndarray, out: np.ndarray) -> None: ...
