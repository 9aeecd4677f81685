import numpy as np

def place(
    circuit_ptr: np.ndarray,
    block: np.ndarray,
    offset: np.ndarray,
    duration: np.ndarray,
    anchor: np.ndarray,
    grid: np.ndarray,
    qubits: np.ndarray,
    set_ptr: np.ndarray,
    set_items: np.ndarray,
    alap: bool,
    free: np.ndarray,
    start: np.ndarray,
    total: np.ndarray,
) -> int: ...
def overlap(
    circuit_ptr: np.ndarray, t0: np.ndarray, duration: np.ndarray, channel: np.ndarray, busy: np.ndarray
) -> int: ...
