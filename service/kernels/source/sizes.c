/* Smaller pictures, as Pillow makes them, to the bit. */

/* As Pillow divides by `count`: multiplied with this, and shifted by 24 bits. */
static inline unsigned divider(long count) { return (unsigned)(4294967296.0f / (float)(256 * count)); }

typedef byte four_bytes __attribute__((vector_size(4)));
typedef unsigned short four_shorts __attribute__((vector_size(8), aligned(2)));
typedef unsigned four_numbers __attribute__((vector_size(16)));
typedef int four_sums __attribute__((vector_size(16)));

static inline void narrow_4(const unsigned short *restrict sums, long count, long across, long down, byte *restrict out) {
    unsigned half = (unsigned)(across * down / 2), multiplier = divider(across * down);
    for (long x = 0; x < count; x++) {
        four_numbers total = {half, half, half, half};
        for (long k = 0; k < across; k++, sums += 4)
            total += __builtin_convertvector(*(const four_shorts *)sums, four_numbers);
        *(four_bytes *)(out + 4 * x) = __builtin_convertvector(total * multiplier >> 24, four_bytes);
    }
}

static inline void narrow_1(const unsigned short *restrict sums, long count, long across, long down, byte *restrict out) {
    unsigned half = (unsigned)(across * down / 2), multiplier = divider(across * down);
    for (long x = 0; x < count; x++) {
        unsigned total = half;
        for (long k = 0; k < across; k++) total += sums[x * across + k];
        out[x] = (byte)(total * multiplier >> 24);
    }
}

static inline void narrow(const unsigned short *restrict sums, long count, long channels, long across, long down,
                          byte *restrict out) {
    if (channels == 4)
        narrow_4(sums, count, across, down, out);
    else
        narrow_1(sums, count, across, down, out);
}

/* Means of boxes of `across` by `down` pixels, fewer at the right and lower border: Pillow's `Image.reduce`, to the bit.

Pixels are of 1 or 4 bytes, `stride` bytes from row to row; at most 256 rows make one. `sums` has room for a row. */
EXPORT void shrink(const byte *from, long stride, long width, long height, long channels, long across, long down,
                   unsigned short *restrict sums, byte *restrict out) {
    long whole = width / across, rest = width - whole * across, out_width = whole + (rest > 0);
    for (long top = 0; top < height; top += down, out += out_width * channels) {
        long rows = height - top < down ? height - top : down;
        const byte *first = from + top * stride;
        for (long x = 0; x < width * channels; x++) sums[x] = first[x];
        for (long y = 1; y < rows; y++) {
            const byte *row = first + y * stride;
            for (long x = 0; x < width * channels; x++) sums[x] = (unsigned short)(sums[x] + row[x]);
        }
        if (across == 2) /* a constant, so that the loop over it is unrolled */
            narrow(sums, whole, channels, 2, rows, out);
        else if (across == 4)
            narrow(sums, whole, channels, 4, rows, out);
        else
            narrow(sums, whole, channels, across, rows, out);
        if (rest) narrow(sums + whole * across * channels, 1, channels, rest, rows, out + whole * channels);
    }
}

/* Along one axis: of which pixels each one is made, from the first on, and with which weights, `most` for each. */
typedef struct {
    const int *first, *count, *weights;
    long most, length;
} taps;

#define WEIGHT_BITS 22 /* after the point */

#define HALF_A_LEVEL (1 << (WEIGHT_BITS - 1))

/* (height, width) pixels of 4 bytes, `stride` bytes from row to row, resized along their rows: Pillow's `resize`. */
EXPORT void resample_across(const byte *from, long stride, long height, const taps *along, byte *restrict out) {
    const four_sums none = {0}, most = {255, 255, 255, 255};
    for (long y = 0; y < height; y++, from += stride) {
        for (long x = 0; x < along->length; x++, out += 4) {
            const byte *seen = from + 4 * along->first[x];
            const int *weights = along->weights + x * along->most;
            four_sums total = {HALF_A_LEVEL, HALF_A_LEVEL, HALF_A_LEVEL, HALF_A_LEVEL};
            for (long k = 0; k < along->count[x]; k++)
                total += __builtin_convertvector(*(const four_bytes *)(seen + 4 * k), four_sums) * weights[k];
            total >>= WEIGHT_BITS;
            total = __builtin_elementwise_min(__builtin_elementwise_max(total, none), most);
            *(four_bytes *)out = __builtin_convertvector(total, four_bytes);
        }
    }
}

/* The same along the columns of rows of `line` bytes. */
EXPORT void resample_down(const byte *from, long stride, long line, const taps *along, byte *restrict out) {
    for (long y = 0; y < along->length; y++, out += line) {
        const byte *first = from + along->first[y] * stride;
        const int *weights = along->weights + y * along->most;
        for (long start = 0; start < line; start += AT_ONCE) {
            long count = line - start < AT_ONCE ? line - start : AT_ONCE;
            int total[AT_ONCE];
            for (long x = 0; x < count; x++) total[x] = HALF_A_LEVEL;
            for (long k = 0; k < along->count[y]; k++) {
                const byte *row = first + k * stride + start;
                for (long x = 0; x < count; x++) total[x] += row[x] * weights[k];
            }
            for (long x = 0; x < count; x++) {
                int level = total[x] >> WEIGHT_BITS;
                out[start + x] = (byte)(level < 0 ? 0 : level > 255 ? 255 : level);
            }
        }
    }
}
