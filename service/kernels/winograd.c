/* A convolutional network in bytes, for processors with AVX2 and without instructions for eight bits.

3x3 convolutions by Winograd's minimal filtering: Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural
Networks", arXiv:1509.09308. A tile of 4x4 results takes 36 products a channel instead of 144, one of 2x2 takes 16 instead
of 36. Bytes are transformed exactly, into 16 bits; weights are rounded after they were transformed, to 16 bits, such that
no sum can leave its 32 bits: `engines/winograd.py` sees to that. Needs no library, not even C's. `make kernels` compiles.

Tensors are (height, width, channels) of bytes, 0 for zero; `stride` bytes lie from pixel to pixel, so a tensor can be
some of the channels of a wider one.
*/

#include <immintrin.h>

typedef unsigned char byte;
typedef short number;

#define EXPORT __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))

#define LANES 16     /* channels that are transformed at once, and outputs that are added up at once */
#define AT_ONCE 6    /* tiles whose sums stay in registers */
#define MOST_SIDE 6  /* of what a tile sees */
#define MOST_TILES 96
#define MOST_CHANNELS 2048
#define ROWS 8 /* that a thread takes of what is no tiles */

enum { CONVOLVE, BEGIN, HALVE, DOUBLE };

/* One step of a network. What a kind has no use for is 0. */
typedef struct {
    long kind;
    const byte *in;
    long in_stride;
    long height, width, channels; /* of the input */
    byte *out;
    long out_stride;
    long outputs;
    long tile;     /* 4 or 2: results from side to side */
    long dilation; /* pixels from tap to tap */
    long tiles;    /* that a thread takes at once: a multiple of AT_ONCE, MOST_TILES at most */
    long group;    /* outputs that it takes of them: a multiple of LANES */
    const void *weights;
    const float *scales; /* what a sum of each place and output counts, in the output's levels */
    const float *biases;
    const byte *added; /* a tensor that is added to the result, if there is one */
    long added_stride;
    float *plane; /* instead of `out`: the first output, as it is */
} step;

/* Numbers from place to place. Without the line beside, all places of a tile would want the same few lines of a cache. */
static inline long values_apart(const step *s) { return s->tiles * s->channels + 2 * LANES; }
static inline long sums_apart(const step *s) { return s->tiles * LANES + LANES; }

static inline long least(long one, long other) { return one < other ? one : other; }
static inline long parts(long whole, long part) { return (whole + part - 1) / part; }

/* --- convolutions by tiles ---------------------------------------------------------------------------------------- */

typedef struct {
    long y, x;
} place;

/* Dilated by d, a picture is d * d pictures that know nothing of each other. */
static inline long tiles_of(long size, const step *s) { return parts(parts(size, s->dilation), s->tile); }

static inline place place_of(const step *s, long tile) {
    long across = tiles_of(s->width, s), down = tiles_of(s->height, s);
    long picture = tile / (across * down), within = tile % (across * down), far = s->tile * s->dilation;
    return (place){picture / s->dilation + within / across * far, picture % s->dilation + within % across * far};
}

INLINE __m256i plus(__m256i one, __m256i other) { return _mm256_add_epi16(one, other); }
INLINE __m256i minus(__m256i one, __m256i other) { return _mm256_sub_epi16(one, other); }
INLINE __m256i four_times(__m256i one) { return _mm256_slli_epi16(one, 2); }

/* B^T d of the paper, of one row or column; every result fits 16 bits, twice over. */
INLINE void see(long tile, const __m256i *d, __m256i *seen) {
    if (tile == 2) {
        seen[0] = minus(d[0], d[2]);
        seen[1] = plus(d[1], d[2]);
        seen[2] = minus(d[2], d[1]);
        seen[3] = minus(d[1], d[3]);
        return;
    }
    __m256i even = minus(d[4], four_times(d[2])), odd = minus(d[3], four_times(d[1]));
    __m256i half_even = minus(d[4], d[2]), half_odd = minus(d[3], d[1]);
    half_odd = plus(half_odd, half_odd);
    seen[0] = plus(four_times(minus(d[0], d[2])), half_even);
    seen[1] = plus(even, odd);
    seen[2] = minus(even, odd);
    seen[3] = plus(half_even, half_odd);
    seen[4] = minus(half_even, half_odd);
    seen[5] = plus(four_times(minus(d[1], d[3])), minus(d[5], d[3]));
}

static const byte nothing[MOST_CHANNELS] __attribute__((aligned(32)));

/* All that the tile at `at` sees, (places, tiles, channels), into slot `slot` of `tiles`. */
INLINE void look(const step *s, long tile, place at, long slot, number *values) {
    long side = tile + 2, dilation = s->dilation;
    const byte *from[MOST_SIDE][MOST_SIDE];
    for (long i = 0; i < side; i++) {
        for (long j = 0; j < side; j++) {
            long row = at.y + (i - 1) * dilation, column = at.x + (j - 1) * dilation;
            int is_inside = row >= 0 && row < s->height && column >= 0 && column < s->width;
            from[i][j] = is_inside ? s->in + (row * s->width + column) * s->in_stride : nothing;
        }
    }
    for (long k = 0; k < s->channels; k += LANES) {
        __m256i rows[MOST_SIDE][MOST_SIDE], d[MOST_SIDE], seen[MOST_SIDE];
        for (long i = 0; i < side; i++) {
            for (long j = 0; j < side; j++) d[j] = _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)(from[i][j] + k)));
            see(tile, d, rows[i]);
        }
        for (long j = 0; j < side; j++) {
            for (long i = 0; i < side; i++) d[i] = rows[i][j];
            see(tile, d, seen);
            for (long i = 0; i < side; i++) {
                number *into = values + (i * side + j) * values_apart(s) + slot * s->channels + k;
                _mm256_store_si256((void *)into, seen[i]);
            }
        }
    }
}

/* (tiles, channels) by (channels / 2, LANES, 2): (tiles, LANES) sums. Where the processor has its way, each load of the
weights serves AT_ONCE tiles, and each pair of values all outputs. */
static void multiply(const number *restrict weights, const number *restrict values, long channels, long tiles,
                     int *restrict sums) {
    for (long t = 0; t < tiles; t += AT_ONCE) {
        __m256i low[AT_ONCE], high[AT_ONCE];
        for (int n = 0; n < AT_ONCE; n++) low[n] = high[n] = _mm256_setzero_si256();
        for (long k = 0; k < channels; k += 4) {
#pragma unroll
            for (long pair = k; pair < k + 4; pair += 2) {
                const __m256i *of_pair = (const void *)(weights + pair * LANES);
#pragma unroll
                for (int n = 0; n < AT_ONCE; n++) {
                    __m256i both = _mm256_set1_epi32(*(const int *)(const void *)(values + (t + n) * channels + pair));
                    low[n] = _mm256_add_epi32(low[n], _mm256_madd_epi16(both, of_pair[0]));
                    high[n] = _mm256_add_epi32(high[n], _mm256_madd_epi16(both, of_pair[1]));
                }
            }
        }
        for (int n = 0; n < AT_ONCE; n++) {
            _mm256_store_si256((void *)(sums + (t + n) * LANES), low[n]);
            _mm256_store_si256((void *)(sums + (t + n) * LANES + LANES / 2), high[n]);
        }
    }
}

/* A^T m of the paper. */
INLINE void settle(long tile, const __m256 *m, __m256 *settled) {
    if (tile == 2) {
        settled[0] = m[0] + m[1] + m[2];
        settled[1] = m[1] - m[2] - m[3];
        return;
    }
    __m256 both = m[1] + m[2], apart = m[1] - m[2], far_both = m[3] + m[4], far_apart = m[3] - m[4];
    settled[0] = m[0] + both + far_both;
    settled[1] = apart + 2.0f * far_apart;
    settled[2] = both + 4.0f * far_both;
    settled[3] = apart + 8.0f * far_apart + m[5];
}

/* Rounds eight outputs of a pixel, from `first` on; what is below 0 is 0, as an activation wants. */
INLINE void put(const step *s, long pixel, long first, __m256 values) {
    if (s->plane) {
        if (first == 0) s->plane[pixel] = values[0];
        return;
    }
    __m256i whole = _mm256_cvtps_epi32(values);
    __m128i halves = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    __m128i levels = _mm_packus_epi16(halves, halves);
    if (s->added)
        levels = _mm_adds_epu8(levels, _mm_loadl_epi64((const void *)(s->added + pixel * s->added_stride + first)));
    _mm_storel_epi64((void *)(s->out + pixel * s->out_stride + first), levels);
}

/* Eight outputs of a tile, from its sums of each place, which lie `apart`. */
INLINE void finish(const step *s, long tile, place at, long first, const int *sums, long apart) {
    long side = tile + 2;
    const float *scales = s->scales + first / LANES * side * side * LANES + first % LANES;
    __m256 rows[MOST_SIDE][4], m[MOST_SIDE], settled[4], bias = _mm256_loadu_ps(s->biases + first);
    for (long i = 0; i < side; i++) {
        for (long j = 0; j < side; j++) {
            long n = i * side + j;
            __m256 sum = _mm256_cvtepi32_ps(_mm256_load_si256((const void *)(sums + n * apart)));
            m[j] = sum * _mm256_loadu_ps(scales + n * LANES);
        }
        settle(tile, m, rows[i]);
    }
    for (long j = 0; j < tile; j++) {
        long column = at.x + j * s->dilation;
        if (column >= s->width) return;
        for (long i = 0; i < side; i++) m[i] = rows[i][j];
        settle(tile, m, settled);
        for (long i = 0; i < tile; i++) {
            long row = at.y + i * s->dilation;
            if (row < s->height) put(s, row * s->width + column, first, settled[i] + bias);
        }
    }
}

INLINE void convolve_some(const step *s, long tile, long from, long count, long first, byte *scratch) {
    place at[MOST_TILES];
    long places = (tile + 2) * (tile + 2), padded = parts(count, AT_ONCE) * AT_ONCE, apart = sums_apart(s);
    int *sums = (void *)scratch;
    number *values = (void *)(sums + places * apart);
    for (long t = 0; t < count; t++) {
        at[t] = place_of(s, from + t);
        look(s, tile, at[t], t, values);
    }
    for (long output = first; output < least(first + s->group, s->outputs); output += LANES) {
        const number *weights = (const number *)s->weights + output * places * s->channels;
        for (long n = 0; n < places; n++)
            multiply(weights + n * s->channels * LANES, values + n * values_apart(s), s->channels, padded,
                     sums + n * apart);
        for (long t = 0; t < count; t++)
            for (long half = 0; half < LANES; half += LANES / 2)
                finish(s, tile, at[t], output + half, sums + t * LANES + half, apart);
    }
}

static void convolve(const step *s, long *next, byte *scratch) {
    long tiles = s->dilation * s->dilation * tiles_of(s->height, s) * tiles_of(s->width, s);
    long groups = parts(s->outputs, s->group), all = parts(tiles, s->tiles) * groups;
    for (long n; (n = __atomic_fetch_add(next, 1, __ATOMIC_RELAXED)) < all;) {
        long from = n / groups * s->tiles, count = least(s->tiles, tiles - from), first = n % groups * s->group;
        if (s->tile == 4)
            convolve_some(s, 4, from, count, first, scratch);
        else
            convolve_some(s, 2, from, count, first, scratch);
    }
}

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
