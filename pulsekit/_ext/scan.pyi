from typing import Any, Callable, List, Optional, Tuple

PLAIN: int
SHARED: int
OTHER: int

class Scanner:
    n: int
    n_rows: int
    n_params: int
    def __init__(
        self,
        classify: Callable[[Any], int],
        new_key: Callable[[Any, str, Tuple[Any, ...], Tuple[Any, ...]], Tuple[int, int]],
        slow: Callable[[int, int, Any, int], List[float]],
        refuse: Callable[[Any, Any], None],
    ) -> None: ...
    def read(
        self, data: List[Any], qubits: List[Any], clbits: List[Any], own: Optional[Callable[..., None]] = ...
    ) -> None: ...
    def result(self) -> Tuple[bytes, bytes, bytes, bytes]: ...
