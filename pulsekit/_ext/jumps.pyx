"""Choose and apply quantum jumps of kets that are laid out as :mod:`split` has them."""

from libc.math cimport sqrt

cdef enum:
    SHORT = 1000  # jumps that are chosen before another thread could have the GIL
    SOME = 16000  # amplitudes, likewise

cdef extern from *:
    """
    #include "fours.h"
    """
    double fours_norm(const double*, const double*, long) nogil
    double fours_mean(const double*, const double*, const double*, long) nogil


def picked(const double[:, ::1] re, const double[:, ::1] im, long margin, const double[:, ::1] rates,
           const long[::1] first, const double[::1] uniform, double[::1] reach, long[::1] which):
    """Write which jump everybody makes who waits in some kets.

    Args:
        re, im, margin: as of ``split.run``.
        rates: float64[kinds, total], at which amplitudes' squares jump, 1/s.
        first: int64[kets + 1], each one's first of those who wait.
        uniform: float64[waiting], in [0, 1).
        reach: float64[kinds], scratch.
        which: int64[waiting].
    """
    if uniform.shape[0] < SHORT and re.shape[0] * rates.shape[1] < SOME:
        _picked(re, im, margin, rates, first, uniform, reach, which)
    else:
        with nogil:
            _picked(re, im, margin, rates, first, uniform, reach, which)


cdef void _picked(const double[:, ::1] re, const double[:, ::1] im, long margin, const double[:, ::1] rates,
                  const long[::1] first, const double[::1] uniform, double[::1] reach,
                  long[::1] which) noexcept nogil:
    cdef Py_ssize_t r, k, w, kinds = rates.shape[0]
    cdef double all
    for r in range(re.shape[0]):
        all = 0.0
        for k in range(kinds):
            all += fours_mean(&re[r, margin], &im[r, margin], &rates[k, 0], rates.shape[1])
            reach[k] = all
        for w in range(first[r], first[r + 1]):
            k = 0
            while k < kinds - 1 and reach[k] <= uniform[w] * all:
                k += 1
            which[w] = k


def jumped(const double[:, ::1] re, const double[:, ::1] im, long margin, const long[:, ::1] origin,
           const double[:, ::1] factor, const long[::1] ket, const long[::1] which, double[:, ::1] out_re,
           double[:, ::1] out_im):
    """Write kets after a jump each, of norm one.

    Args:
        re, im, margin: as of ``split.run``.
        origin: int64[kinds, total], whence every amplitude comes in a jump.
        factor: float64[kinds, total], times what.
        ket, which: int64[jumps], who jumps how.
        out_re, out_im: float64[jumps, as re], margins zeroed.
    """
    if ket.shape[0] * origin.shape[1] < SOME:
        _jumped(re, im, margin, origin, factor, ket, which, out_re, out_im)
    else:
        with nogil:
            _jumped(re, im, margin, origin, factor, ket, which, out_re, out_im)


cdef void _jumped(const double[:, ::1] re, const double[:, ::1] im, long margin, const long[:, ::1] origin,
                  const double[:, ::1] factor, const long[::1] ket, const long[::1] which, double[:, ::1] out_re,
                  double[:, ::1] out_im) noexcept nogil:
    cdef Py_ssize_t r, k, i, total = origin.shape[1]
    cdef const double* pr
    cdef const double* pi
    cdef double* qr
    cdef double* qi
    cdef double scale
    for r in range(ket.shape[0]):
        pr = &re[ket[r], margin]
        pi = &im[ket[r], margin]
        qr = &out_re[r, margin]
        qi = &out_im[r, margin]
        k = which[r]
        for i in range(total):
            qr[i] = factor[k, i] * pr[origin[k, i]]
            qi[i] = factor[k, i] * pi[origin[k, i]]
        scale = 1.0 / sqrt(fours_norm(qr, qi, total))
        for i in range(total):
            qr[i] *= scale
            qi[i] *= scale


def normalised(const double[:, :, ::1] x, const double[:, ::1] turn, double[:, :, ::1] out):
    """Write kets times phases, of norm one.

    Args:
        x, out: float64[m, dim, 2].
        turn: float64[dim, 2].
    """
    if out.shape[0] * out.shape[1] < SOME:
        _normalised(x, turn, out)
    else:
        with nogil:
            _normalised(x, turn, out)


cdef void _normalised(const double[:, :, ::1] x, const double[:, ::1] turn, double[:, :, ::1] out) noexcept nogil:
    cdef Py_ssize_t m, r
    cdef double norm, scale, re, im
    for m in range(out.shape[0]):
        norm = 0.0
        for r in range(out.shape[1]):
            norm += x[m, r, 0] * x[m, r, 0] + x[m, r, 1] * x[m, r, 1]
        scale = 1.0 / sqrt(norm)
        for r in range(out.shape[1]):
            re = x[m, r, 0] * scale
            im = x[m, r, 1] * scale
            out[m, r, 0] = turn[r, 0] * re - turn[r, 1] * im
            out[m, r, 1] = turn[r, 0] * im + turn[r, 1] * re
