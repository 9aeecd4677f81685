"""Let trees of quantum jumps grow through a program: kets that go on, fall, jump and go on (the steps: outer.h)."""

from cpython.pythread cimport (
    PyThread_acquire_lock,
    PyThread_allocate_lock,
    PyThread_free_lock,
    PyThread_release_lock,
    PyThread_type_lock,
    WAIT_LOCK,
)
from libc.math cimport exp, sqrt
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    SOME = 16000  # amplitudes that are turned before another thread could have the GIL

cdef extern from *:
    """
    #include "outer.h"
    #include "philox.h"
    """
    ctypedef struct course_t:
        long total
    long SEG_STEPS, SEG_LAST, SEG_BACK
    course_t outer_course(long, long, long, long, const long*, const long*, const long*, const long*, const double*,
                          const long*, long, const double*, const long*, const double*) nogil
    void outer_layer(const course_t*, long, double*, double*) nogil
    void outer_begin(const course_t*, long, int, double*, double*) nogil
    void outer_step(const course_t*, long, long, double*, double*) nogil
    double fours_norm(const double*, const double*, long) nogil
    double fours_mean(const double*, const double*, const double*, long) nogil
    double philox_stream(uint64_t, uint64_t, uint64_t, int64_t, int64_t, int64_t) nogil

cdef enum:  # what a ket's row of integers says
    SEGMENT, STEPS, BEGIN, END, JUMPS, FLAG  # FLAG: of shared kets, fallen; of a hand's, whole

cdef enum:  # what a hand has
    FRAMES, OUT, BUSY

cdef enum:  # how far it came
    NOTHING, MORE, DEEP, FELL


cdef class Tree:
    """What some threads let grow together.

    Trajectories that have the same history share a ket. Those that wait for
    their jumps lie in arrays, those of a ket one after another, by falling
    level. The squared norm of a ket is watched: at a step at whose end it is,
    half a step earlier or so, not above the next levels, those who wait for
    them fall, with a copy of the ket, whole; it goes on for those that still
    wait. Who fell jumps by random numbers of his own; equal jumps share a ket.

    A thread has a hand: frames, each a ket that goes on above one that fell,
    from which the next jump is taken when that one has come to its end. Kets
    that fell are left to all while there is room, and else go on top of a
    hand. Nothing that comes out depends on that but its order.

    Args:
        margin, total, levels, strides, group, dp, segments, busy, tables, layers, pool, kinds, diagonal: as of
            ``split.run``.
        span: float64[m], length of a segment's steps, s.
        rates: float64[jumps, total], at which amplitudes' squares jump, 1/s.
        rate: float64[total], their sum.
        origin: int64[jumps, total], whence every amplitude comes in a jump.
        factor: float64[jumps, total], times what.
        seed, experiment, purpose, few, members: of the random numbers, as of ``shots.numbers``.
        level: float64[waiting], squared norms; moved about, as the next three.
        row: int64[waiting], which of ``members``. used: int64[waiting], random numbers drawn.
        which: int64[waiting], scratch.
        re, im: float64[rows, length], kets that are left to all, margins zero; first those to begin with.
        ket: int64[rows, 6]: segment, steps done of it, first who waits and behind the last, jumps made, whether the
            ket fell and those who wait are to jump.
        ring, free: int64[rows], scratch.
        count: kets to begin with.
    """

    cdef PyThread_type_lock lock
    cdef course_t course
    cdef long margin, last, head, ready, spare, busy, room
    cdef uint64_t seed, experiment, purpose
    cdef int64_t few
    cdef const long[::1] levels, strides
    cdef const long[:, ::1] segments, sites, kinds, origin
    cdef const long[:, :, ::1] layers
    cdef const double[::1] tables, pool, span, rate
    cdef const double[:, :, ::1] diagonal
    cdef const double[:, ::1] rates, factor
    cdef const long[::1] members
    cdef double[::1] level
    cdef long[::1] row, used, which, ring, free
    cdef double[:, ::1] re, im
    cdef long[:, ::1] ket

    def __cinit__(self, long margin, long total, const long[::1] levels, const long[::1] strides, int group, int dp,
                  const long[:, ::1] segments, const long[:, ::1] busy, const double[::1] tables,
                  const long[:, :, ::1] layers, const double[::1] pool, const long[:, ::1] kinds,
                  const double[:, :, ::1] diagonal, const double[::1] span, const double[:, ::1] rates,
                  const double[::1] rate, const long[:, ::1] origin, const double[:, ::1] factor, uint64_t seed,
                  uint64_t experiment, uint64_t purpose, int64_t few, const long[::1] members, double[::1] level,
                  long[::1] row, long[::1] used, long[::1] which, double[:, ::1] re, double[:, ::1] im,
                  long[:, ::1] ket, long[::1] ring, long[::1] free, long count):
        cdef Py_ssize_t k
        self.lock = PyThread_allocate_lock()
        if self.lock == NULL:
            raise MemoryError("No lock for a tree of jumps.")
        self.levels, self.strides, self.segments, self.sites = levels, strides, segments, busy
        self.tables, self.layers, self.pool, self.kinds, self.diagonal = tables, layers, pool, kinds, diagonal
        self.span, self.rates, self.rate, self.origin, self.factor = span, rates, rate, origin, factor
        self.seed, self.experiment, self.purpose, self.few, self.members = seed, experiment, purpose, few, members
        self.level, self.row, self.used, self.which = level, row, used, which
        self.re, self.im, self.ket, self.ring, self.free = re, im, ket, ring, free
        self.course = outer_course(total, dp, levels.shape[0], group, &levels[0], &strides[0], &segments[0, 0],
                                   &busy[0, 0], &tables[0], &layers[0, 0, 0], layers.shape[1], &pool[0], &kinds[0, 0],
                                   &diagonal[0, 0, 0])
        self.margin, self.last, self.head, self.busy = margin, segments.shape[0] - 1, 0, 0
        self.ready, self.spare, self.room = count, re.shape[0] - count, re.shape[0] - count
        for k in range(count):
            ring[k] = k
        for k in range(self.spare):
            free[k] = count + k

    def __dealloc__(self):
        if self.lock != NULL:
            PyThread_free_lock(self.lock)

    @property
    def done(self):
        """Whether all has come to its end; what came out may still be in hands."""
        return self.ready == 0 and self.busy == 0

    def grow(self, double[:, ::1] re, double[:, ::1] im, long[:, ::1] place, double[::1] lent, double[::1] reach,
             double[:, ::1] out_re, double[:, ::1] out_im, long[:, ::1] out, long[::1] state, long budget):
        """Let some of the tree grow, the same hand as before.

        Args:
            re, im: float64[2 frames, length], kets that fell, each with the
                one that goes on above it; margins zero.
            place: int64[2 frames, 6]: as ``ket``, but last whether the ket is
                whole (without a layer of the next step).
            lent: float64[frames], what half a step takes of the squared norm.
            reach: float64[jumps], scratch.
            out_re, out_im: float64[most, length], kets that came to the end.
            out: int64[most, 3]: first who waits in each, behind the last, and
                jumps made.
            state: int64[3], zeros at first: frames, kets that came to the
                end, whether the hand has something; the second is zeroed by
                whoever takes those.
            budget: how many steps to do at most.

        Returns:
            0: nothing is left but what other hands have; 1: there is more to
            do; 2: there is, once there are more frames.
        """
        cdef int found
        with nogil:
            found = self._grow(re, im, place, lent, reach, out_re, out_im, out, state, budget)
        return found

    cdef int _grow(self, double[:, ::1] re, double[:, ::1] im, long[:, ::1] place, double[::1] lent,
                   double[::1] reach, double[:, ::1] out_re, double[:, ::1] out_im, long[:, ::1] out,
                   long[::1] state, long budget) noexcept nogil:
        cdef long f = state[FRAMES] - 1, g, begin, back
        cdef long* going
        cdef long* fell
        cdef int how
        while True:
            if f < 0:
                f = 0 if self._take(re, im, place, reach, state) else -1
            state[FRAMES] = f + 1
            if f < 0:
                return NOTHING
            fell = &place[2 * f, 0]
            going = &place[2 * f + 1, 0]
            if going[BEGIN] < going[END]:
                if state[OUT] == out.shape[0]:
                    return MORE
                if f + 1 == lent.shape[0]:
                    return DEEP
                begin = going[BEGIN]
                how = self._follow(&re[2 * f + 1, self.margin], &im[2 * f + 1, self.margin], going, &lent[f], &back,
                                   &budget)
                if how == MORE:
                    return MORE
                if how == NOTHING:
                    self._copy(&re[2 * f + 1, 0], &im[2 * f + 1, 0], &out_re[state[OUT], 0], &out_im[state[OUT], 0])
                    memcpy(&out[state[OUT], 0], going + BEGIN, 3 * sizeof(long))
                    state[OUT] += 1
                    going[BEGIN] = going[END]
                elif not self._leave(&re[2 * f + 1, 0], &im[2 * f + 1, 0], going, begin, back):
                    g = f + 1 if going[BEGIN] < going[END] or fell[BEGIN] < fell[END] else f
                    self._fall(&re[2 * f + 1, 0], &im[2 * f + 1, 0], going, begin, back, &re[2 * g, 0], &im[2 * g, 0],
                               &place[2 * g, 0])
                    self._pick(&re[2 * g, self.margin], &im[2 * g, self.margin], begin, going[BEGIN], reach)
                    if g > f:
                        place[2 * g + 1, BEGIN] = place[2 * g + 1, END]
                    f = g
            elif fell[BEGIN] < fell[END]:
                memcpy(going, fell, 5 * sizeof(long))
                going[END] = begin = fell[BEGIN]
                while going[END] < fell[END] and self.which[going[END]] == self.which[begin]:
                    going[END] += 1
                fell[BEGIN] = going[END]
                going[JUMPS] += 1
                going[FLAG] = True
                self._jump(&re[2 * f, self.margin], &im[2 * f, self.margin], self.which[begin],
                           &re[2 * f + 1, self.margin], &im[2 * f + 1, self.margin])
            else:
                f -= 1

    cdef int _follow(self, double* re, double* im, long* ket, double* lent, long* back,
                     long* budget) noexcept nogil:
        """Run a ket until somebody falls (FELL), to the end (NOTHING), or until the budget is used up (MORE).

        ``back`` gets the layer that makes a copy of what fell whole, -1: none.
        """
        cdef long k = ket[SEGMENT], t = ket[STEPS], begin = ket[BEGIN], count
        cdef const long* segment
        cdef double norm
        cdef int how = MORE
        while how == MORE and k < self.last and budget[0] > 0:
            segment = &self.segments[k, 0]
            count = segment[SEG_STEPS]
            if t == 0 or ket[FLAG]:
                lent[0] = exp(0.5 * self.span[k] * fours_mean(re, im, &self.rate[0], self.course.total))
                outer_begin(&self.course, k, <int>ket[FLAG], re, im)
                ket[FLAG] = False
            while how == MORE and t < count and budget[0] > 0:
                outer_step(&self.course, k, t, re, im)
                t += 1
                budget[0] -= 1
                norm = fours_norm(re, im, self.course.total)
                while ket[BEGIN] < ket[END] and norm <= self.level[ket[BEGIN]] * lent[0]:
                    ket[BEGIN] += 1
                if ket[BEGIN] > begin:
                    back[0] = segment[SEG_BACK] if t < count or segment[SEG_LAST] == -2 else -1
                    how = FELL
            if t == count:
                k += 1
                t = 0
        ket[SEGMENT] = k
        ket[STEPS] = t
        return NOTHING if how == MORE and k == self.last else how

    cdef void _fall(self, const double* re, const double* im, const long* ket, long begin, long back, double* to_re,
                    double* to_im, long* to) noexcept nogil:
        """Copy a ket, whole, to which those fell who waited from ``begin`` to where they now begin."""
        self._copy(re, im, to_re, to_im)
        if back >= 0:
            outer_layer(&self.course, back, to_re + self.margin, to_im + self.margin)
        memcpy(to, ket, 5 * sizeof(long))
        to[BEGIN] = begin
        to[END] = ket[BEGIN]

    cdef void _copy(self, const double* re, const double* im, double* to_re, double* to_im) noexcept nogil:
        memcpy(to_re, re, self.re.shape[1] * sizeof(double))
        memcpy(to_im, im, self.re.shape[1] * sizeof(double))

    cdef bint _leave(self, const double* re, const double* im, const long* ket, long begin,
                     long back) noexcept nogil:
        """Leave those who fell to all, if there is room."""
        cdef long r
        if self.ready >= self.room:
            return False
        PyThread_acquire_lock(self.lock, WAIT_LOCK)
        r = -1
        if self.ready < self.room and self.spare > 0:
            self.spare -= 1
            r = self.free[self.spare]
        PyThread_release_lock(self.lock)
        if r < 0:
            return False
        self._fall(re, im, ket, begin, back, &self.re[r, 0], &self.im[r, 0], &self.ket[r, 0])
        self.ket[r, FLAG] = True
        PyThread_acquire_lock(self.lock, WAIT_LOCK)
        self.ring[(self.head + self.ready) % self.ring.shape[0]] = r
        self.ready += 1
        PyThread_release_lock(self.lock)
        return True

    cdef bint _take(self, double[:, ::1] re, double[:, ::1] im, long[:, ::1] place, double[::1] reach,
                    long[::1] state) noexcept nogil:
        """Take what is left to all into the first frame, if there is anything."""
        cdef long r = -1, row
        PyThread_acquire_lock(self.lock, WAIT_LOCK)
        self.busy -= state[BUSY]
        state[BUSY] = self.ready > 0
        self.busy += state[BUSY]
        if state[BUSY]:
            r = self.ring[self.head]
            self.head = (self.head + 1) % self.ring.shape[0]
            self.ready -= 1
        PyThread_release_lock(self.lock)
        if r < 0:
            return False
        row = 0 if self.ket[r, FLAG] else 1
        self._copy(&self.re[r, 0], &self.im[r, 0], &re[row, 0], &im[row, 0])
        memcpy(&place[row, 0], &self.ket[r, 0], 5 * sizeof(long))
        place[row, FLAG] = True
        place[1 - row, BEGIN] = place[1 - row, END]
        PyThread_acquire_lock(self.lock, WAIT_LOCK)
        self.free[self.spare] = r
        self.spare += 1
        PyThread_release_lock(self.lock)
        if row == 0:
            self._pick(&re[0, self.margin], &im[0, self.margin], place[0, BEGIN], place[0, END], reach)
        return True

    cdef void _pick(self, const double* re, const double* im, long begin, long end, double[::1] reach) noexcept nogil:
        """Pick the jumps of those who fell and their next levels, and put them in order: by jump and falling level."""
        cdef Py_ssize_t k, w, jumps = self.rates.shape[0]
        cdef double all = 0.0, uniform
        cdef int64_t member
        for k in range(jumps):
            all += fours_mean(re, im, &self.rates[k, 0], self.rates.shape[1])
            reach[k] = all
        for w in range(begin, end):
            member = self.members[self.row[w]]
            uniform = philox_stream(self.seed, self.experiment, self.purpose, self.few, member, self.used[w])
            self.level[w] = philox_stream(self.seed, self.experiment, self.purpose, self.few, member,
                                          self.used[w] + 1)
            self.used[w] += 2
            k = 0
            while k < jumps - 1 and reach[k] <= uniform * all:
                k += 1
            self.which[w] = k
        for w in range((end - begin) // 2 - 1, -1, -1):  # heapsort
            self._sift(begin, w, end - begin)
        for w in range(end - begin - 1, 0, -1):
            self._swap(begin, begin + w)
            self._sift(begin, 0, w)

    cdef void _sift(self, long begin, long k, long count) noexcept nogil:
        """Let the k-th sink to where it belongs in a heap whose last in order is first."""
        cdef long child = 2 * k + 1
        while child < count:
            if child + 1 < count and self._before(begin + child, begin + child + 1):
                child += 1
            if not self._before(begin + k, begin + child):
                return
            self._swap(begin + k, begin + child)
            k = child
            child = 2 * k + 1

    cdef bint _before(self, long a, long b) noexcept nogil:
        if self.which[a] != self.which[b]:
            return self.which[a] < self.which[b]
        return self.level[a] > self.level[b]

    cdef void _swap(self, long a, long b) noexcept nogil:
        self.level[a], self.level[b] = self.level[b], self.level[a]
        self.row[a], self.row[b] = self.row[b], self.row[a]
        self.used[a], self.used[b] = self.used[b], self.used[a]
        self.which[a], self.which[b] = self.which[b], self.which[a]

    cdef void _jump(self, const double* re, const double* im, long k, double* to_re, double* to_im) noexcept nogil:
        """Write a ket after a jump, of norm one."""
        cdef Py_ssize_t i, total = self.course.total
        cdef const double* factor = &self.factor[k, 0]
        cdef const long* origin = &self.origin[k, 0]
        cdef double scale
        for i in range(total):
            to_re[i] = factor[i] * re[origin[i]]
            to_im[i] = factor[i] * im[origin[i]]
        scale = 1.0 / sqrt(fours_norm(to_re, to_im, total))
        for i in range(total):
            to_re[i] *= scale
            to_im[i] *= scale


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
