/* Where an edge is unsure, and what is known of a pixel there: `cascade.unsure` and `surroundings.py`. */

#define AROUND_FOUR 6 /* pixels across, of the finest level */
#define AROUND_ONE 5
#define OF_FOUR (AROUND_FOUR * AROUND_FOUR)
#define OF_ONE (AROUND_ONE * AROUND_ONE)
#define SAMPLES (OF_FOUR + 2 * OF_ONE)
#define COARSER (2 * OF_ONE)
#define FEATURES (2 * SAMPLES + 4)

#define LOOKED_AT 8 /* pixels of a row at once: more than AROUND_FOUR */

typedef byte eight_bytes __attribute__((vector_size(LOOKED_AT), aligned(1)));
typedef pixel eight_pixels __attribute__((vector_size(4 * LOOKED_AT), aligned(4)));

/* `across` pixels of as many rows, the first at an offset of -2 in the directions `down` and `right`, which are 1 or -1.
`into` has room for LOOKED_AT of the last row. */
static inline void look_inside(const blend *from, long row, long column, long down, const int right, const int across,
                               pixel *into) {
    long left = right > 0 ? column - 2 : column + 2 - (LOOKED_AT - 1);
    for (int y = 0; y < across; y++, into += across) {
        long line = row + down * (y - 2);
        eight_pixels colors = *(const eight_pixels *)(from->colors + line * from->color_stride + left);
        eight_bytes levels = *(const eight_bytes *)(from->levels + line * from->level_stride + left);
        eight_pixels seen = (colors & 0xFFFFFFu) | __builtin_convertvector(levels, eight_pixels) << 24;
        if (right < 0) seen = __builtin_shufflevector(seen, seen, 7, 6, 5, 4, 3, 2, 1, 0);
        *(eight_pixels *)into = seen;
    }
}

static inline void look(const blend *from, long row, long column, long down, long right, const int across, pixel *into) {
    if (row >= 3 && row + 3 < from->height && column >= LOOKED_AT && column + LOOKED_AT < from->width) {
        if (right > 0)
            look_inside(from, row, column, down, 1, across, into);
        else
            look_inside(from, row, column, down, -1, across, into);
        return;
    }
    long shifted[AROUND_FOUR];
    for (int x = 0; x < across; x++) shifted[x] = clamped(column + right * (x - 2), from->width - 1);
    for (int y = 0; y < across; y++) {
        long line = clamped(row + down * (y - 2), from->height - 1);
        for (int x = 0; x < across; x++) *into++ = blended(from, line, shifted[x]);
    }
}

/* Read mirrored, so that each pixel is the upper left of the four that share one a level below: `surroundings.Places`. */
static inline long direction(long place) { return 1 - 2 * (place & 1); }

/* `surroundings.describe`: (count, FEATURES) features and (count,) trust of pixels of the second of three levels, of which
the first is the finest.

`limits`: the ridge, the smallest variance, the range from and up to which there is an edge, and below and from which
lowest answer there is, or is no, outside. */
static void describe(const blend *levels, const int *rows, const int *columns, long count, const float *limits,
                     float *features, float *trust) {
    const float ridge = limits[0], smallest_variance = limits[1], half = 0.5f, one_level = 1 / 255.0f;
    for (long n = 0; n < count; n++, features += FEATURES) {
        long row = rows[n], column = columns[n], down = direction(row), right = direction(column);
        pixel seen[SAMPLES + LOOKED_AT];
        look(levels, 2 * row + (down < 0), 2 * column + (right < 0), down, right, AROUND_FOUR, seen);
        look(levels + 1, row, column, down, right, AROUND_ONE, seen + OF_FOUR);
        look(levels + 2, row >> 1, column >> 1, down, right, AROUND_ONE, seen + OF_FOUR + OF_ONE);
        float samples[4][SAMPLES];
        for (int channel = 0; channel < 4; channel++)
            for (int k = 0; k < SAMPLES; k++) samples[channel][k] = (float)(int)(seen[k] >> 8 * channel & 255);

        float mean[4], covariance[4][4];
        for (int one = 0; one < 4; one++) {
            float sum = 0;
            for (int k = OF_FOUR; k < SAMPLES; k++) sum += samples[one][k];
            mean[one] = sum / COARSER;
            for (int other = 0; other <= one; other++) {
                float product = 0;
                for (int k = OF_FOUR; k < SAMPLES; k++) product += samples[one][k] * samples[other][k];
                covariance[one][other] = covariance[other][one] = product / COARSER - mean[one] * mean[other];
            }
        }
        float xx = covariance[0][0] + ridge, yy = covariance[1][1] + ridge, zz = covariance[2][2] + ridge;
        float xy = covariance[0][1], xz = covariance[0][2], yz = covariance[1][2];
        float x = covariance[0][3], y = covariance[1][3], z = covariance[2][3], variance = covariance[3][3];
        float a = yy * zz - yz * yz, b = xz * yz - xy * zz, c = xy * yz - xz * yy;
        float d = xx * zz - xz * xz, e = xy * xz - xx * yz, f = xx * yy - xy * xy;
        float inverse = 1 / (xx * a + xy * b + xz * c);
        float slope[3] = {(a * x + b * y + c * z) * inverse, (b * x + d * y + e * z) * inverse,
                          (c * x + e * y + f * z) * inverse};

        float *told = features, *given = features + SAMPLES, *rest = features + 2 * SAMPLES;
        float offset = mean[3] - mean[0] * slope[0] - mean[1] * slope[1] - mean[2] * slope[2];
        for (int k = 0; k < SAMPLES; k++) {
            float likely = offset + samples[0][k] * slope[0] + samples[1][k] * slope[1] + samples[2][k] * slope[2];
            told[k] = within(likely * one_level, -half, 1 + half) - half;
            given[k] = samples[3][k] * one_level - half;
        }
        float lowest = given[0], highest = given[0], coarse_lowest = 1, coarse_highest = -1;
        for (int k = 0; k < SAMPLES; k++) {
            lowest = given[k] < lowest ? given[k] : lowest;
            highest = given[k] > highest ? given[k] : highest;
        }
        for (int k = SAMPLES - OF_ONE; k < SAMPLES; k++) {
            coarse_lowest = given[k] < coarse_lowest ? given[k] : coarse_lowest;
            coarse_highest = given[k] > coarse_highest ? given[k] : coarse_highest;
        }
        rest[0] = (slope[0] * x + slope[1] * y + slope[2] * z) / (variance + smallest_variance) - half;
        rest[1] = 2 * __builtin_sqrtf(variance > 0 ? variance : 0) * one_level - half;
        rest[2] = highest - lowest - half;
        rest[3] = mean[3] * one_level - half;
        float is_edge = (coarse_highest - coarse_lowest - limits[2]) / (limits[3] - limits[2]);
        float has_outside = (limits[5] - coarse_lowest - half) / (limits[5] - limits[4]);
        trust[n] = within(is_edge, 0, 1) * within(has_outside, 0, 1);
    }
}

#define RANGE_REACH 2

/* Marks those of (height, width) `below` in whose surroundings, in row `y`, there is an edge; `room` is twice as long and
four more. */
static void edges(const blend *below, long y, const float *limits, byte *restrict room, byte *restrict marks) {
    long width = below->width, wide = width + 2 * RANGE_REACH;
    byte *lowest = room, *highest = room + wide;
    int least = 0, most = 255;
    while ((float)least < limits[2] * 255) least++;
    while ((float)most > limits[5] * 255) most--;
    for (long x = 0; x < width; x++) lowest[RANGE_REACH + x] = 255, highest[RANGE_REACH + x] = 0;
    for (long down = -RANGE_REACH; down <= RANGE_REACH; down++) {
        const byte *line = below->levels + clamped(y + down, below->height - 1) * below->level_stride;
        for (long x = 0; x < width; x++) {
            byte low = lowest[RANGE_REACH + x], high = highest[RANGE_REACH + x];
            lowest[RANGE_REACH + x] = line[x] < low ? line[x] : low;
            highest[RANGE_REACH + x] = line[x] > high ? line[x] : high;
        }
    }
    for (long x = 0; x < RANGE_REACH; x++) {
        lowest[x] = lowest[RANGE_REACH], highest[x] = highest[RANGE_REACH];
        lowest[wide - 1 - x] = lowest[wide - 1 - RANGE_REACH], highest[wide - 1 - x] = highest[wide - 1 - RANGE_REACH];
    }
    for (long x = 0; x < width; x++) {
        byte low = lowest[x], high = highest[x];
        for (int right = 1; right <= 2 * RANGE_REACH; right++) {
            low = lowest[x + right] < low ? lowest[x + right] : low;
            high = highest[x + right] > high ? highest[x + right] : high;
        }
        marks[x] = ((byte)(high - low) >= least) & (low <= most);
    }
}

/* Places of a row `y` of `cascade.unsure` in `levels`: fills their columns, and returns how many.

`below` is half as large. `sure`: how close to 0 or 255 a level is sure; `limits` as above. `room` is five rows and 64 more. */
static long unsure(const blend *levels, const blend *below, long y, long sure, const float *limits, byte *restrict room,
                   int *restrict columns) {
    long found = 0, width = levels->width, stride = levels->level_stride;
    byte any = 0, *doubtful = room, *near = room + width + 2, *marks = near + width + 8;
    const byte low = (byte)sure, high = (byte)(255 - sure);
    doubtful[0] = doubtful[width + 1] = 0;
    const byte *here = levels->levels + y * stride, *above = y ? here - stride : here;
    const byte *under = y + 1 < levels->height ? here + stride : here;
    for (long x = 0; x < width; x++) {
        byte is = lies_within(above[x], low, high) | lies_within(here[x], low, high) | lies_within(under[x], low, high);
        doubtful[x + 1] = is, any |= is;
    }
    if (!any) return 0;
    edges(below, y >> 1, limits, marks + below->width, marks);
    for (long x = 0; x < width; x++) near[x] = doubtful[x] | doubtful[x + 1] | doubtful[x + 2];
    for (long x = width; x < width + 8; x++) near[x] = 0;
    for (long first = 0; first < width; first += 8) {
        unsigned long eight;
        __builtin_memcpy(&eight, near + first, 8);
        if (!eight) continue;
        for (long x = first; x < first + 8; x++)
            if (near[x] && marks[x >> 1]) columns[found++] = (int)x;
    }
    return found;
}

/* The same of rows from `top` to `bottom`, for tests: their rows and columns, row by row. Returns how many. */
EXPORT long all_unsure(const blend *levels, const blend *below, long top, long bottom, long sure, const float *limits,
                       byte *room, int *rows, int *columns) {
    long count = 0;
    for (long y = top; y < bottom; y++) {
        long found = unsure(levels, below, y, sure, limits, room, columns + count);
        for (long n = 0; n < found; n++) rows[count + n] = (int)y;
        count += found;
    }
    return count;
}
