/* A convolutional network in bytes, for processors with AVX2 and without instructions for eight bits.

3x3 convolutions by Winograd's minimal filtering: Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural
Networks", arXiv:1509.09308. A tile of 4x4 results takes 36 products a channel instead of 144, one of 2x2 takes 16 instead
of 36. Bytes are transformed exactly, into 16 bits; weights are rounded after they were transformed, to 16 bits, such that
no sum can leave its 32 bits: `engines/winograd.py` sees to that. Needs no library, not even C's. `make kernels` compiles.

Tensors are (height, width, channels) of bytes, 0 for zero; `stride` bytes lie from pixel to pixel, so a tensor can be
some of the channels of a wider one.
*/

#include "source/step.h"
#include "source/tiles.c"

/* --- the first convolution, of numbers ---------------------------------------------------------------------------- */

/* (height + 2, width + 2, channels) floats, with zeros around them, by (3, 3, channels, outputs). */
static void begin(const step *s, long from, long to) {
    const float *in = (const void *)s->in, *weights = s->weights;
    long taps = 3 * s->channels, wide = (s->width + 2) * s->channels;
    for (long row = from; row < to; row++) {
        for (long column = 0; column < s->width; column++) {
            const float *corner = in + row * wide + column * s->channels;
            for (long first = 0; first < s->outputs; first += 64) {
                __m256 sums[8];
                long count = least(8, (s->outputs - first) / 8);
                for (long n = 0; n < count; n++) sums[n] = _mm256_loadu_ps(s->biases + first + 8 * n);
                for (long i = 0; i < 3; i++)
                    for (long k = 0; k < taps; k++) {
                        const float *of_tap = weights + (i * taps + k) * s->outputs + first;
                        __m256 value = _mm256_set1_ps(corner[i * wide + k]);
                        if (count == 8)
                            for (long n = 0; n < 8; n++) sums[n] += value * _mm256_loadu_ps(of_tap + 8 * n);
                        else
                            for (long n = 0; n < count; n++) sums[n] += value * _mm256_loadu_ps(of_tap + 8 * n);
                    }
                for (long n = 0; n < count; n++) put(s, row * s->width + column, first + 8 * n, sums[n]);
            }
        }
    }
}

/* --- half and twice the size -------------------------------------------------------------------------------------- */

INLINE __m128i sixteen(const byte *from) { return _mm_loadu_si128((const void *)from); }

/* The largest of each 2x2 pixels; of what is left of them at the edge. */
static void halve(const step *s, long from, long to) {
    long width = parts(s->width, 2);
    for (long row = from; row < to; row++) {
        const byte *upper = s->in + 2 * row * s->width * s->in_stride;
        const byte *lower = 2 * row + 1 < s->height ? upper + s->width * s->in_stride : upper;
        for (long column = 0; column < width; column++) {
            long left = 2 * column * s->in_stride, right = 2 * column + 1 < s->width ? left + s->in_stride : left;
            byte *out = s->out + (row * width + column) * s->out_stride;
            for (long k = 0; k < s->channels; k += LANES) {
                __m128i above = _mm_max_epu8(sixteen(upper + left + k), sixteen(upper + right + k));
                __m128i below = _mm_max_epu8(sixteen(lower + left + k), sixteen(lower + right + k));
                _mm_storeu_si128((void *)(out + k), _mm_max_epu8(above, below));
            }
        }
    }
}

/* Three parts of one and one of the other. */
INLINE __m256i mostly(__m256i one, __m256i other) { return plus(plus(one, one), plus(one, other)); }

INLINE void put_sixteenths(byte *out, __m256i sums) {
    __m256i levels = _mm256_srli_epi16(plus(sums, _mm256_set1_epi16(8)), 4);
    _mm_storeu_si128((void *)out, _mm_packus_epi16(_mm256_castsi256_si128(levels), _mm256_extracti128_si256(levels, 1)));
}

INLINE __m256i between_rows(const byte *near, const byte *far) {
    return mostly(_mm256_cvtepu8_epi16(sixteen(near)), _mm256_cvtepu8_epi16(sixteen(far)));
}

/* Bilinear, between the middles of pixels: of the four around a new pixel they count 9, 3, 3 and 1 sixteenths. */
static void twice(const step *s, long from, long to) {
    for (long row = from; row < to; row++) {
        long y = row / 2, beside = row % 2 ? least(y + 1, s->height - 1) : y > 0 ? y - 1 : 0;
        const byte *near = s->in + y * s->width * s->in_stride, *far = s->in + beside * s->width * s->in_stride;
        byte *out = s->out + row * 2 * s->width * s->out_stride;
        for (long k = 0; k < s->channels; k += LANES) {
            __m256i before = between_rows(near + k, far + k), here = before;
            for (long x = 0; x < s->width; x++) {
                long next = least(x + 1, s->width - 1) * s->in_stride + k;
                __m256i after = between_rows(near + next, far + next);
                put_sixteenths(out + 2 * x * s->out_stride + k, mostly(here, before));
                put_sixteenths(out + (2 * x + 1) * s->out_stride + k, mostly(here, after));
                before = here;
                here = after;
            }
        }
    }
}

static void by_rows(const step *s, long *next) {
    long rows = s->kind == HALVE ? parts(s->height, 2) : s->kind == DOUBLE ? 2 * s->height : s->height;
    for (long from; (from = __atomic_fetch_add(next, ROWS, __ATOMIC_RELAXED)) < rows;) {
        long to = least(from + ROWS, rows);
        if (s->kind == HALVE)
            halve(s, from, to);
        else if (s->kind == DOUBLE)
            twice(s, from, to);
        else
            begin(s, from, to);
    }
}

/* Does parts of a step until none is left. Any number of threads may call it at once, with one `next` that began as 0, and
each with a `scratch` of its own, aligned to 64 bytes: places * (tiles + 2) * (4 * LANES + 2 * channels) of them. */
EXPORT void compute(const step *s, long *next, byte *scratch) {
    if (s->kind == CONVOLVE)
        convolve(s, next, scratch);
    else
        by_rows(s, next);
}
