import numpy as np

def sparse_times(start: np.ndarray, column: np.ndarray, value: np.ndarray, x: np.ndarray, out: np.ndarray) -> None: ...
def turned(
    start: np.ndarray,
    column: np.ndarray,
    value: np.ndarray,
    x: np.ndarray,
    sign: float,
    work: np.ndarray,
    out: np.ndarray,
) -> None: ...
