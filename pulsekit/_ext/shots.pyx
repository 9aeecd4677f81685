"""Draw shots: counter-based random numbers, level paths, readout signals.

Random numbers are Philox4x64-10 blocks (Salmon et al., SC 2011; the same
function as ``numpy.random.Philox``) at key (seed, experiment) and counter
(shot, block, stream, purpose), so that a shot's numbers depend on nothing
but its own index.
"""

from libc.math cimport cos, exp, log, sin, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef enum:
    SHORT = 1000  # numbers that are drawn before another thread could have the GIL

cdef extern from "philox.h":
    void philox(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, double*) noexcept nogil
    double philox_stream(uint64_t, uint64_t, uint64_t, int64_t, int64_t, int64_t) noexcept nogil

cdef double TWO_PI = 6.283185307179586476925286766559


cdef inline double complex normal(double u, double v) noexcept nogil:
    """Return two independent standard normals (Box and Muller) from two uniforms."""
    cdef double r = sqrt(-2.0 * log(1.0 - u))
    return r * cos(TWO_PI * v) + 1j * (r * sin(TWO_PI * v))


cdef inline double complex cexp(double complex z) noexcept nogil:
    cdef double m = exp(z.real)
    return m * cos(z.imag) + 1j * (m * sin(z.imag))


cdef inline int pick(const double[:, ::1] target, int level, double u) noexcept nogil:
    """Return the level that a jump from ``level`` goes to."""
    cdef int j
    for j in range(<int>target.shape[1] - 1):
        if u < target[level, j]:
            return j
    return <int>target.shape[1] - 1


cdef inline double next_jump(double u, double rate, double now, double length) noexcept nogil:
    """Return when a level that is there at ``now`` jumps; ``length`` or more: not before the end.

    The logarithm is taken only where the jump may come in time: 1 - u > exp(-x) needs u < x.
    """
    if u >= rate * (length - now):
        return length
    return now - log(1.0 - u) / rate


def uniforms(uint64_t seed, uint64_t experiment, uint64_t stream, uint64_t purpose, int64_t first, double[::1] out):
    """Write one uniform per shot, shots first, first + 1, ..."""
    cdef int64_t k, n = out.shape[0], shot
    cdef double block[4]
    with nogil:
        for k in range(n):
            shot = first + k
            if k == 0 or (shot & 3) == 0:
                philox(seed, experiment, <uint64_t>(shot >> 2), 0, stream, purpose, block)
            out[k] = block[shot & 3]


def numbers(uint64_t seed, uint64_t experiment, uint64_t purpose, int64_t few, const int64_t[::1] member,
            const int64_t[::1] number, double[::1] out):
    """Write uniforms of streams that go on and on: one per pair of a stream's index and a place in it.

    The first ``few`` of a stream, a multiple of four, are a piece of one
    stream of all; the others are a stream of its own.
    """
    if out.shape[0] < SHORT:
        _numbers(seed, experiment, purpose, few, member, number, out)
    else:
        with nogil:
            _numbers(seed, experiment, purpose, few, member, number, out)


cdef void _numbers(uint64_t seed, uint64_t experiment, uint64_t purpose, int64_t few, const int64_t[::1] member,
                   const int64_t[::1] number, double[::1] out) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(out.shape[0]):
        out[k] = philox_stream(seed, experiment, purpose, few, member[k], number[k])


def choose(const double[::1] cumulative, const double[::1] u, int32_t[::1] out):
    """Write, for each uniform, the index of the bin of ``cumulative`` that it falls into."""
    cdef Py_ssize_t k, lo, hi, mid, last = cumulative.shape[0] - 1
    cdef double x, total = cumulative[last]
    with nogil:
        for k in range(u.shape[0]):
            x = u[k] * total
            lo = 0
            hi = last
            while lo < hi:
                mid = (lo + hi) >> 1
                if cumulative[mid] > x:
                    hi = mid
                else:
                    lo = mid + 1
            out[k] = <int32_t>lo


def decay(uint64_t seed, uint64_t experiment, uint64_t stream, uint64_t purpose, int64_t first,
          const double[::1] rates, const double[:, ::1] target, double duration, uint8_t[::1] level):
    """Let levels jump freely for ``duration``, in place. ``rates`` and ``duration`` in one unit of time."""
    cdef int64_t k
    cdef uint64_t blocks
    cdef int s
    cdef double now
    cdef double block[4]
    with nogil:
        for k in range(level.shape[0]):
            s = level[k]
            now = 0.0
            blocks = 0
            while rates[s] > 0.0:
                philox(seed, experiment, <uint64_t>(first + k), blocks, stream, purpose, block)
                blocks += 1
                now += -log(1.0 - block[0]) / rates[s]
                if now >= duration:
                    break
                s = pick(target, s, block[1])
            level[k] = <uint8_t>s


def read(uint64_t seed, uint64_t experiment, uint64_t stream, uint64_t purpose, int64_t first,
         const uint8_t[::1] start, const double[::1] rates, const double[:, ::1] target,
         const double complex[:, ::1] field, const double complex[:, ::1] tail, const double complex[:, ::1] memory,
         const double complex[::1] w_lambda, double sigma, const double[::1] form,
         double complex[:] iq, uint8_t[:] bits, uint8_t[::1] end):
    """Read shots out: integrated signal, its bit, and the level that is left.

    ``field[s, n]`` is the resonator's field at sample n for a constant level
    s; ``tail[s, n]`` what samples n and later contribute to the integrated
    signal; ``memory[s, n]`` what a field excess of 1 at n contributes after n;
    ``w_lambda`` the excess's exponent per sample. ``form`` are the six
    coefficients (II, QQ, IQ, I, Q, 1) whose sum is positive where the bit is 1.
    Empty ``iq`` or ``bits`` are not written.
    """
    cdef int64_t k
    cdef int s, t
    cdef int64_t n, next_n, length = field.shape[1] - 1
    cdef uint64_t blocks
    cdef double now, u, i, q
    cdef double complex z, excess
    cdef double block[4]
    cdef double noise_u, noise_v
    cdef bint want_iq = iq.shape[0] > 0, want_bits = bits.shape[0] > 0
    with nogil:
        for k in range(start.shape[0]):
            philox(seed, experiment, <uint64_t>(first + k), 0, stream, purpose, block)
            s = start[k]
            noise_u = block[2]
            noise_v = block[3]
            z = tail[s, 0]
            excess = 0
            now = 0.0
            n = 0
            blocks = 1
            while rates[s] > 0.0:
                now = next_jump(block[0], rates[s], now, <double>length)
                if now >= <double>length:
                    break
                t = pick(target, s, block[1])
                next_n = <int64_t>(now + 0.5)
                # what the old level would still have given, exchanged for what the new one gives
                excess = excess * cexp(w_lambda[s] * <double>(next_n - n))
                z = z - tail[s, next_n] - excess * memory[s, next_n]
                excess = excess + field[s, next_n] - field[t, next_n]
                z = z + tail[t, next_n] + excess * memory[t, next_n]
                n = next_n
                s = t
                philox(seed, experiment, <uint64_t>(first + k), blocks, stream, purpose, block)
                blocks += 1
            end[k] = <uint8_t>s
            z = z + sigma * normal(noise_u, noise_v)
            if want_iq:
                iq[k] = z
            if want_bits:
                i = z.real
                q = z.imag
                u = form[0] * i * i + form[1] * q * q + form[2] * i * q + form[3] * i + form[4] * q + form[5]
                bits[k] = u > 0.0


def trace(uint64_t seed, uint64_t experiment, uint64_t stream, uint64_t purpose, uint64_t purpose_trace, int64_t first,
          const uint8_t[::1] start, const double[::1] rates, const double[:, ::1] target,
          const double complex[:, ::1] field, const double complex[:, ::1] mean, const double complex[::1] gain,
          const double complex[::1] w_lambda, const double complex[::1] weights, int64_t group,
          double sigma_sample, double sigma, double complex[:, :] out):
    """Write the records of the same shots as :func:`read`, sample by sample.

    ``mean[s]`` is the mean record for a constant level s (per dt), ``gain[s]``
    what a field excess of 1 at the start of a sample adds to it, ``group`` the
    dt per record sample. The white noise is drawn conditional on the
    integrated noise that :func:`read` draws.
    """
    cdef int64_t k, j, m, n, until, length = field.shape[1] - 1, samples = weights.shape[0]
    cdef int64_t keep = out.shape[1] if out.shape[1] < samples else samples
    cdef int s, t
    cdef uint64_t blocks
    cdef double now, norm = 0.0, rest = 0.0, u, v
    cdef double complex excess, step, z, total, w, value
    cdef double block[4]
    with nogil:
        for j in range(samples):
            w = weights[j]
            norm += w.real * w.real + w.imag * w.imag
            if j >= keep:
                rest += w.real * w.real + w.imag * w.imag
        for k in range(start.shape[0]):
            for j in range(out.shape[1]):
                out[k, j] = 0
            philox(seed, experiment, <uint64_t>(first + k), 0, stream, purpose, block)
            u = block[2]
            v = block[3]
            s = start[k]
            t = s
            excess = 0
            now = 0.0
            n = 0
            blocks = 1
            while n < keep * group:
                until = length
                if rates[s] > 0.0:
                    now = next_jump(block[0], rates[s], now, <double>length)
                    if now < <double>length:
                        t = pick(target, s, block[1])
                        until = <int64_t>(now + 0.5)
                        philox(seed, experiment, <uint64_t>(first + k), blocks, stream, purpose, block)
                        blocks += 1
                step = cexp(w_lambda[s])
                for m in range(n, until):
                    if m < keep * group:
                        out[k, m // group] = out[k, m // group] + mean[s, m] + excess * gain[s]
                    excess = excess * step
                if until == length:
                    break
                excess = excess + field[s, until] - field[t, until]
                n = until
                s = t
            # noise: free draws, then shifted along the weights to the integrated noise of this shot
            total = 0
            if rest > 0.0:
                philox(seed, experiment, <uint64_t>(first + k), 0, stream, purpose_trace, block)
                total = sigma_sample * sqrt(rest) * normal(block[0], block[1])
            for j in range(keep):
                if (j & 1) == 0:
                    philox(seed, experiment, <uint64_t>(first + k), <uint64_t>(1 + (j >> 1)), stream, purpose_trace, block)
                    value = sigma_sample * normal(block[0], block[1])
                else:
                    value = sigma_sample * normal(block[2], block[3])
                total = total + weights[j] * value
                if group > 1:
                    out[k, j] = out[k, j] / <double>group
                out[k, j] = out[k, j] + value
            z = (sigma * normal(u, v) - total) / norm
            for j in range(keep):
                w = weights[j]
                out[k, j] = out[k, j] + (w.real - 1j * w.imag) * z
