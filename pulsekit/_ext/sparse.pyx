"""Multiply complex vectors by real sparse matrices."""

cdef enum:
    SHORT = 1000  # amplitudes of work that is done before another thread could have the GIL


def sparse_times(const int[::1] start, const int[::1] column, const double[::1] value, const double[:, :, ::1] x,
                 double[:, :, ::1] out):
    """Write a real sparse matrix times complex vectors.

    Args:
        start, column, value: the matrix by rows (CSR).
        x, out: float64[m, dim, 2].
    """
    cdef Py_ssize_t m
    if out.shape[0] * out.shape[1] < SHORT:
        for m in range(out.shape[0]):
            _sparse_times(start, column, value, x[m], out[m])
    else:
        with nogil:
            for m in range(out.shape[0]):
                _sparse_times(start, column, value, x[m], out[m])


cdef void _sparse_times(const int[::1] start, const int[::1] column, const double[::1] value, const double[:, ::1] x,
                        double[:, ::1] out) noexcept nogil:
    cdef Py_ssize_t r, k
    cdef double re, im
    for r in range(out.shape[0]):
        re = 0.0
        im = 0.0
        for k in range(start[r], start[r + 1]):
            re = re + value[k] * x[column[k], 0]
            im = im + value[k] * x[column[k], 1]
        out[r, 0] = re
        out[r, 1] = im


def turned(const int[::1] start, const int[::1] column, const double[::1] value, const double[:, :, ::1] x,
           double sign, double[:, ::1] work, double[:, :, ::1] out):
    """Write x + sign P x + P P x / 2 of a real sparse matrix P and complex vectors.

    Args:
        start, column, value: the matrix by rows (CSR).
        x, out: float64[m, dim, 2].
        work: float64[dim, 2].
    """
    if out.shape[0] * out.shape[1] < SHORT:
        _turned(start, column, value, x, sign, work, out)
    else:
        with nogil:
            _turned(start, column, value, x, sign, work, out)


cdef void _turned(const int[::1] start, const int[::1] column, const double[::1] value, const double[:, :, ::1] x,
                  double sign, double[:, ::1] work, double[:, :, ::1] out) noexcept nogil:
    cdef Py_ssize_t m, r, k
    for m in range(out.shape[0]):
        _sparse_times(start, column, value, x[m], work)
        _sparse_times(start, column, value, work, out[m])
        for r in range(out.shape[1]):
            for k in range(2):
                out[m, r, k] = x[m, r, k] + sign * work[r, k] + 0.5 * out[m, r, k]
