/* Convolutions by tiles. */

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
