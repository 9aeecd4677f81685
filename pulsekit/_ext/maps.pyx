"""Take states, as real numbers, through maps of whole gates, lane by lane.

A map is a Fourier series of real matrices in one angle,
A0 + A1 cos(d) + B1 sin(d) + A2 cos(2 d) + ..., kept in columns of eight rows:
a[matrix, row block, column, 8]. Every lane's arithmetic is its own.
"""

cdef extern from *:
    """
    #include "vectors.h"

    typedef struct {
        int size, blocks, pairs;         /* real numbers, blocks of eight rows, complex numbers among them */
        const int *at;                   /* [pairs, 4]: real part, imaginary part, turns of either transmon */
        const double *energy;            /* [pairs], rad/s */
        const double *maps;
    } space_plan;

    /* Every complex number turns by its turns times the angles, less its energy times the gap. */
    static void turn(const space_plan *p, double *x, const double *angle, double gap,
                     double (*cosine)(double), double (*sine)(double)) {
        if (angle[0] == 0 && angle[1] == 0 && gap == 0) return;
        for (int k = 0; k < p->pairs; k++) {
            const int *at = p->at + 4*k;
            const double phase = at[2]*angle[0] + at[3]*angle[1] - p->energy[k]*gap;
            const double c = cosine(phase), s = sine(phase), r = x[at[0]], q = x[at[1]];
            x[at[0]] = r*c - q*s;
            x[at[1]] = r*s + q*c;
        }
    }

    /* y <- sum of weight[h] a[h] x, with four sums at a time. */
    static void map_lane(const space_plan *p, const double *a, const double *weight, int terms, const double *x,
                         double *z, double *y) {
        const long each = (long)p->blocks * p->size * 8;
        for (int h = 0; h < terms; h++) for (int j = 0; j < p->size; j++) z[h*p->size + j] = weight[h] * x[j];
        for (int b = 0; b < p->blocks; b++) {
            const vd zero = {0};
            vd s0[NV], s1[NV], s2[NV], s3[NV];
            LOOP { s0[v] = zero; s1[v] = zero; s2[v] = zero; s3[v] = zero; }
            for (int h = 0; h < terms; h++) {
                const vd *m = (const vd*)(a + h*each + (long)b * p->size * 8);
                const double *w = z + h*p->size;
                int j = 0;
                for (; j + 3 < p->size; j += 4) LOOP {
                    s0[v] += w[j] * m[j*NV+v];
                    s1[v] += w[j+1] * m[(j+1)*NV+v];
                    s2[v] += w[j+2] * m[(j+2)*NV+v];
                    s3[v] += w[j+3] * m[(j+3)*NV+v];
                }
                for (; j < p->size; j++) LOOP s0[v] += w[j] * m[j*NV+v];
            }
            LOOP ((vd*)(y + 8*b))[v] = (s0[v] + s1[v]) + (s2[v] + s3[v]);
        }
    }

    /* One lane's columns: before every map their turn, after it nothing. */
    static void maps_lane(const space_plan *p, double *x, int columns, const int *first, const int *terms,
                          const double *angle, const double *gap, const double *delta, int count, double *weight,
                          double *z, double *y, double (*cosine)(double), double (*sine)(double)) {
        for (int k = 0; k < count; k++) {
            weight[0] = 1;
            for (int h = 1; h < terms[k]; h++) {
                const double d = (h + 1) / 2 * delta[k];
                weight[h] = h % 2 ? cosine(d) : sine(d);
            }
            for (int c = 0; c < columns; c++) {
                double *column = x + (long)c * p->size;
                turn(p, column, angle + 2*k, gap[k], cosine, sine);
                map_lane(p, p->maps + (long)first[k] * p->blocks * p->size * 8, weight, terms[k], column, z, y);
                for (int j = 0; j < p->size; j++) column[j] = y[j];
            }
        }
    }
    """
    ctypedef struct space_plan:
        int size, blocks, pairs
        const int *at
        const double *energy
        const double *maps
    void turn(const space_plan *p, double *x, const double *angle, double gap,
              double (*cosine)(double) nogil, double (*sine)(double) nogil) nogil
    void maps_lane(const space_plan *p, double *x, int columns, const int *first, const int *terms,
                   const double *angle, const double *gap, const double *delta, int count, double *weight, double *z,
                   double *y, double (*cosine)(double) nogil, double (*sine)(double) nogil) nogil

from libc.math cimport cos, sin


def walk(double[:, :, ::1] x, const int[:, ::1] at, const double[::1] energy, const double[:, :, :, ::1] maps,
         const int[:, ::1] first, const int[:, ::1] terms, const double[:, :, ::1] angle, const double[:, ::1] gap,
         const double[:, ::1] delta, double[::1] work):
    """Take x[lane, column, size] through maps, in place.

    Before its map ``k`` (``terms`` matrices from ``first`` on, at the angle
    ``delta``) a lane turns: the complex number ``at[i]`` = (place of its real
    part, of its imaginary part, two numbers) by the numbers times
    ``angle[lane, k]``, less ``energy[i]`` times ``gap[lane, k]``. ``work``
    holds terms * (size + 1) + 8 * blocks numbers for the most terms.
    """
    cdef space_plan p
    cdef Py_ssize_t lane
    cdef int most = 0
    p.size = x.shape[2]
    p.blocks = maps.shape[1]
    p.pairs = at.shape[0]
    p.at = &at[0, 0]
    p.energy = &energy[0]
    p.maps = &maps[0, 0, 0, 0]
    most = (work.shape[0] - 8 * p.blocks) // (p.size + 1)
    with nogil:
        for lane in range(x.shape[0]):
            maps_lane(&p, &x[lane, 0, 0], x.shape[1], &first[lane, 0], &terms[lane, 0], &angle[lane, 0, 0],
                      &gap[lane, 0], &delta[lane, 0], first.shape[1], &work[0], &work[most],
                      &work[most + most * p.size], cos, sin)


def turns(double[:, :, ::1] x, const int[:, ::1] at, const double[::1] energy, const double[:, ::1] angle,
          const double[::1] gap):
    """Turn x[lane, column, size] by ``angle[lane]`` and ``gap[lane]``, as :func:`walk` does before a map."""
    cdef space_plan p
    cdef Py_ssize_t lane, column
    p.size = x.shape[2]
    p.pairs = at.shape[0]
    p.at = &at[0, 0]
    p.energy = &energy[0]
    with nogil:
        for lane in range(x.shape[0]):
            for column in range(x.shape[1]):
                turn(&p, &x[lane, column, 0], &angle[lane, 0], gap[lane], cos, sin)
