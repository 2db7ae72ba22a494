/* The innermost loops of refinement and of unmixing colours: one pass where numpy takes dozens, and no lock of Python's.

Each does what the function of the same purpose in `surroundings.py`, `cascade.py`, `packed.py` and `unmixing.py` does,
which is what runs where this was not built for; tests hold the two together. What is exported does a whole stage of some
rows of a picture, as each call from Python takes 10 to 20 microseconds of its lock. Needs no library, not even C's. `make
kernels` compiles.
*/

typedef unsigned char byte;
typedef unsigned int pixel; /* red in the lowest byte; the highest is alpha, or a network's answer */

#define EXPORT __attribute__((visibility("default")))
#define LANES 8

static inline long clamped(long value, long last) { return value < 0 ? 0 : value > last ? last : value; }
static inline float within(float value, float low, float high) {
    return value < low ? low : value > high ? high : value;
}

/* --- colours of a soft edge --------------------------------------------------------------------------------------- */

#define CELL 4

/* A picture: its colours, and the levels that stand for alpha or an answer. */
typedef struct {
    const pixel *colors;
    long color_stride; /* pixels from row to row */
    const byte *levels;
    long level_stride;
    long width, height;
} blend;

static inline pixel blended(const blend *from, long row, long column) {
    return (from->colors[row * from->color_stride + column] & 0xFFFFFFu) |
           (pixel)from->levels[row * from->level_stride + column] << 24;
}

static inline void choose(const long *all, long first, long count, long chosen[LANES]) {
    for (int lane = 0; lane < LANES; lane++) chosen[lane] = all[clamped(first + lane, count - 1)];
}

/* What (height, width) cells begin with, from their mean colours and levels: `unmixing._begin`.

Of each: red, green, blue of the mixture, alpha, and in `planes` how much that says of the subject's colour (three planes),
of the background's (three), and the two weights. A cell with a mark in `left_out`, if there is one, says nothing. Planes
have `plane_size` floats. */
static void begin_cells(const pixel *means, const byte *levels, const byte *left_out, long count, long plane_size,
                        float *restrict mixture, float *restrict alphas, float *restrict planes) {
    for (long x = 0; x < count; x++) {
        float alpha = (float)levels[x] * (1 / 255.0f), rest = 1 - alpha, says = left_out && left_out[x] ? 0.0f : 1.0f;
        alphas[x] = alpha;
        alpha *= alpha, alpha *= alpha, alpha *= alpha, alpha *= alpha;
        rest *= rest, rest *= rest, rest *= rest, rest *= rest;
        alpha *= says, rest *= says;
        for (int channel = 0; channel < 3; channel++) {
            float color = (float)(int)(means[x] >> 8 * channel & 255);
            mixture[channel * plane_size + x] = color;
            planes[channel * plane_size + x] = color * alpha;
            planes[(3 + channel) * plane_size + x] = color * rest;
        }
        planes[6 * plane_size + x] = alpha;
        planes[7 * plane_size + x] = rest;
    }
}

/* Means over each chosen cell of its pixels' colours, weighted with how pure they are, and of the weights:
`packed.purest_colors`. What lies beyond the picture repeats its border.

`planes` are eight of `plane_size` floats: red, green, blue of the subject, of the background, and the two weights; the
first is cell (`top`, `left`). */
static void purest_colors(const blend *from, const long *cell_rows, const long *cell_columns, long count, float *planes,
                          long plane_size, long plane_width, long top, long left) {
    for (long first = 0; first < count; first += LANES) {
        long down[LANES], across[LANES];
        pixel in[CELL * CELL][LANES];
        float sums[8][LANES] = {{0}};
        choose(cell_rows, first, count, down);
        choose(cell_columns, first, count, across);
        for (int lane = 0; lane < LANES; lane++)
            for (int index = 0; index < CELL * CELL; index++)
                in[index][lane] = blended(from, clamped(down[lane] * CELL + index / CELL, from->height - 1),
                                          clamped(across[lane] * CELL + index % CELL, from->width - 1));
        for (int index = 0; index < CELL * CELL; index++) {
            for (int lane = 0; lane < LANES; lane++) {
                pixel seen = in[index][lane];
                float alpha = (float)(int)(seen >> 24) * (1 / 255.0f), rest = 1 - alpha;
                float red = (float)(int)(seen & 255), green = (float)(int)(seen >> 8 & 255);
                float blue = (float)(int)(seen >> 16 & 255);
                alpha *= alpha, alpha *= alpha, alpha *= alpha, alpha *= alpha;
                rest *= rest, rest *= rest, rest *= rest, rest *= rest;
                sums[0][lane] += red * alpha, sums[1][lane] += green * alpha, sums[2][lane] += blue * alpha;
                sums[3][lane] += red * rest, sums[4][lane] += green * rest, sums[5][lane] += blue * rest;
                sums[6][lane] += alpha, sums[7][lane] += rest;
            }
        }
        for (int lane = 0; lane < LANES; lane++) {
            long place = (down[lane] - top) * plane_width + across[lane] - left;
            for (int plane = 0; plane < 8; plane++)
                planes[plane * plane_size + place] = sums[plane][lane] * (1.0f / (CELL * CELL));
        }
    }
}

/* A part of a picture that begins where a cell does. */
typedef struct {
    pixel *pixels;
    long stride; /* pixels from row to row */
    long width, height;
    long first_row, first_column; /* of cells */
} area;

/* The pixels of LANES cells, one after the other; what lies beyond the picture repeats its border. */
static inline void load(const area *from, const long *cell_rows, const long *cell_columns, pixel in[CELL * CELL][LANES]) {
    for (int lane = 0; lane < LANES; lane++) {
        long top = (cell_rows[lane] - from->first_row) * CELL, left = (cell_columns[lane] - from->first_column) * CELL;
        for (int y = 0; y < CELL; y++) {
            const pixel *row = from->pixels + clamped(top + y, from->height - 1) * from->stride;
            for (int x = 0; x < CELL; x++) in[y * CELL + x][lane] = row[clamped(left + x, from->width - 1)];
        }
    }
}

/* How much the cell before, the cell itself and the one after count for each of its four pixels; bilinear. */
static const float SPREAD[CELL][3] = {{0.375f, 0.625f, 0}, {0.125f, 0.875f, 0}, {0, 0.875f, 0.125f}, {0, 0.625f, 0.375f}};

/* Puts the subject's colour in the place of the mixture: `packed.unmixed` of `foreground.Around.at`.

`both` are six planes of `plane_size` floats, red, green and blue of the subject and of the background, one value a cell;
the first is cell (`top`, `left`), and each chosen cell has neighbours there. */
static void unmix(const area *in_place, const long *cell_rows, const long *cell_columns, long count, const float *both,
                  long plane_size, long plane_width, long top, long left) {
    for (long first = 0; first < count; first += LANES) {
        long down[LANES], across[LANES];
        pixel in[CELL * CELL][LANES];
        float near[6][9][LANES];
        choose(cell_rows, first, count, down);
        choose(cell_columns, first, count, across);
        load(in_place, down, across, in);
        for (int lane = 0; lane < LANES; lane++) {
            const float *corner = both + (down[lane] - top - 1) * plane_width + across[lane] - left - 1;
            for (int plane = 0; plane < 6; plane++)
                for (int cell = 0; cell < 9; cell++)
                    near[plane][cell][lane] = corner[plane * plane_size + cell / 3 * plane_width + cell % 3];
        }
        for (int y = 0; y < CELL; y++) {
            float along[6][3][LANES];
            for (int plane = 0; plane < 6; plane++)
                for (int column = 0; column < 3; column++)
                    for (int lane = 0; lane < LANES; lane++)
                        along[plane][column][lane] = SPREAD[y][0] * near[plane][column][lane] +
                                                     SPREAD[y][1] * near[plane][3 + column][lane] +
                                                     SPREAD[y][2] * near[plane][6 + column][lane];
            for (int x = 0; x < CELL; x++) {
                pixel out[LANES];
                for (int lane = 0; lane < LANES; lane++) {
                    pixel seen = in[y * CELL + x][lane], packed = seen & 0xFF000000u;
                    float alpha = (float)(int)(seen >> 24) * (1 / 255.0f), rest = 1 - alpha;
                    float share = alpha / (alpha * alpha + rest * rest);
                    for (int channel = 0; channel < 3; channel++) {
                        float fore = 0, back = 0;
                        for (int column = 0; column < 3; column++) {
                            fore += SPREAD[x][column] * along[channel][column][lane];
                            back += SPREAD[x][column] * along[3 + channel][column][lane];
                        }
                        float mixture = (float)(int)(seen >> 8 * channel & 255);
                        float found = fore + share * (mixture - back - alpha * (fore - back));
                        packed |= (pixel)(int)within(found + 0.5f, 0, 255) << 8 * channel;
                    }
                    out[lane] = packed;
                }
                for (int lane = 0; lane < LANES; lane++) {
                    long row = (down[lane] - in_place->first_row) * CELL + y;
                    long column = (across[lane] - in_place->first_column) * CELL + x;
                    if (row < in_place->height && column < in_place->width)
                        in_place->pixels[row * in_place->stride + column] = out[lane];
                }
            }
        }
    }
}

/* --- both colours at smaller sizes -------------------------------------------------------------------------------- */

/* `foreground.Level`: three planes of the mixture, six of pure colours, two of weights, one of alpha. */
typedef struct {
    const float *mixture, *alpha, *pure, *weight;
    long width, height;
} sizes;

/* A rectangle that may reach beyond the picture, whose border is repeated there. */
typedef struct {
    long top, left, width, height;
} window;

/* One row of one plane, twice as wide and between two rows; `columns` are its `count` columns, inside the picture. */
static inline void between(const float *plane, long width, long height, long row, const long *columns, long count,
                           float *restrict into) {
    const float *most = plane + (row >> 1) * width;
    const float *least = plane + clamped((row >> 1) + (row & 1 ? 1 : -1), height - 1) * width;
    for (long x = 0; x < count; x++) {
        long near = columns[x] >> 1, next = clamped(near + (columns[x] & 1 ? 1 : -1), width - 1);
        into[x] = 0.75f * (0.75f * most[near] + 0.25f * least[near]) + 0.25f * (0.75f * most[next] + 0.25f * least[next]);
    }
}

static inline void explain(float colors[6], const float mixture[3], float alpha, float smoothness) {
    float rest = 1 - alpha, share = 1 / (alpha * alpha + rest * rest + smoothness);
    for (int channel = 0; channel < 3; channel++) {
        float fore = colors[channel], back = colors[3 + channel];
        float unexplained = (mixture[channel] - back - alpha * (fore - back)) * share;
        colors[channel] = within(fore + alpha * unexplained, 0, 255);
        colors[3 + channel] = within(back + rest * unexplained, 0, 255);
    }
}

#define AT_ONCE 512

/* The six planes `small`, twice as large, pulled towards what is pure; and where `smoothness` is not 0 explained.

`out` is six planes as large as the window. */
static void enlarge(const float *small, long small_width, long small_height, const sizes *of, const window *in, float doubt,
                    float smoothness, float *out) {
    long plane = of->width * of->height, small_plane = small_width * small_height, out_plane = in->width * in->height;
    for (long start = 0; start < in->width; start += AT_ONCE) {
        long count = in->width - start < AT_ONCE ? in->width - start : AT_ONCE, columns[AT_ONCE];
        for (long x = 0; x < count; x++) columns[x] = clamped(in->left + start + x, of->width - 1);
        for (long y = 0; y < in->height; y++) {
            long row = clamped(in->top + y, of->height - 1), line = row * of->width;
            float rows_[6][AT_ONCE];
            for (int each = 0; each < 6; each++)
                between(small + each * small_plane, small_width, small_height, row, columns, count, rows_[each]);
            for (long x = 0; x < count; x++) {
                long here = line + columns[x];
                float colors[6], mixture[3];
                for (int each = 0; each < 6; each++)
                    colors[each] = (of->pure[each * plane + here] + doubt * rows_[each][x]) /
                                   (of->weight[each / 3 * plane + here] + doubt);
                if (smoothness != 0) {
                    for (int channel = 0; channel < 3; channel++) mixture[channel] = of->mixture[channel * plane + here];
                    explain(colors, mixture, of->alpha[here], smoothness);
                }
                for (int each = 0; each < 6; each++) out[each * out_plane + y * in->width + start + x] = colors[each];
            }
        }
    }
}

/* One Jacobi step: `foreground._smooth`. `colors` and `out` are six planes. */
static void smooth(const float *colors, const sizes *of, float least, float most, float *out) {
    long width = of->width, height = of->height, plane = width * height;
    for (long y = 0; y < height; y++) {
        long above = y ? -width : 0, below = y < height - 1 ? width : 0;
        for (long x = 0; x < width; x++) {
            long here = y * width + x, near[4] = {here + (x < width - 1), here - (x > 0), here + above, here + below};
            float alpha = of->alpha[here], weights = 0, total[6] = {0}, mixture[3];
            for (int side = 0; side < 4; side++) {
                float apart = of->alpha[near[side]] - alpha, weight = least + most * (apart < 0 ? -apart : apart);
                weights += weight;
                for (int each = 0; each < 6; each++) total[each] += weight * colors[each * plane + near[side]];
            }
            for (int each = 0; each < 6; each++) total[each] /= weights;
            for (int channel = 0; channel < 3; channel++) mixture[channel] = of->mixture[channel * plane + here];
            explain(total, mixture, alpha, weights);
            for (int each = 0; each < 6; each++) out[each * plane + here] = total[each];
        }
    }
}

/* Rows `first` to `last` of the means of 2 x 2 of each plane; an odd last row or column counts twice. */
static void halve(const float *planes, long count, long width, long height, long first, long last, float *halves) {
    long half_width = (width + 1) / 2, half_height = (height + 1) / 2;
    for (long each = 0; each < count; each++, planes += width * height, halves += half_width * half_height) {
        for (long y = first; y < last; y++) {
            const float *above = planes + 2 * y * width, *below = 2 * y + 1 < height ? above + width : above;
            float *out = halves + y * half_width;
            for (long x = 0; x < width / 2; x++)
                out[x] = (above[2 * x] + below[2 * x] + above[2 * x + 1] + below[2 * x + 1]) * 0.25f;
            if (width & 1) out[half_width - 1] = (above[width - 1] + below[width - 1]) * 0.5f;
        }
    }
}

#define PLANES 12 /* of each size: three of the mixture, one of alpha, six of pure colours, two of their weights */
#define MIXTURE 0
#define ALPHA 3
#define PURE 4
#define WEIGHT 10

static inline sizes of_planes(const float *planes, long width, long height) {
    long plane = width * height;
    return (sizes){planes + MIXTURE * plane, planes + ALPHA * plane, planes + PURE * plane, planes + WEIGHT * plane, width, height};
}

/* How colours are solved: `foreground.py` says of each what it means. */
typedef struct {
    float doubt, nothing, least_smoothness, smoothness;
} solving;

#define COARSEST 4
#define SMOOTHING_STEPS 2 /* an even number, so that what is smoothed ends where it began */

/* Fills the first six of twelve planes `colors` with both colours of a size, by way of all smaller ones, for which there
is `room`: 24 planes of each. */
static void solve_size(const float *planes, long width, long height, const solving *by, float *room, float *colors) {
    long plane = width * height, half_width = (width + 1) / 2, half_height = (height + 1) / 2;
    sizes of = of_planes(planes, width, height);
    if (width <= COARSEST && height <= COARSEST) {
        for (int each = 0; each < 6; each++) {
            for (long x = 0; x < plane; x++) {
                float pure = of.pure[each * plane + x], weight = of.weight[each / 3 * plane + x];
                float seen = (pure + by->nothing * of.mixture[each % 3 * plane + x]) / (weight + by->nothing);
                colors[each * plane + x] = (pure + by->doubt * seen) / (weight + by->doubt);
            }
        }
    } else {
        long half_plane = half_width * half_height;
        float *halves = room, *half_colors = room + PLANES * half_plane;
        window whole = {0, 0, width, height};
        halve(planes, PLANES, width, height, 0, half_height, halves);
        solve_size(halves, half_width, half_height, by, room + 2 * PLANES * half_plane, half_colors);
        enlarge(half_colors, half_width, half_height, &of, &whole, by->doubt, 0, colors);
    }
    float *one = colors, *other = colors + 6 * plane;
    for (int step = 0; step < SMOOTHING_STEPS; step++) {
        smooth(one, &of, by->least_smoothness, by->smoothness, other);
        float *swap = one;
        one = other, other = swap;
    }
}

/* `foreground.Estimate`: of the twelve planes of a size, both colours, in the first six of twelve planes. */
EXPORT void solve(const float *planes, long width, long height, const solving *by, float *room, float *colors) {
    solve_size(planes, width, height, by, room, colors);
}

/* --- unsure pixels ------------------------------------------------------------------------------------------------ */

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
    doubtful[0] = doubtful[width + 1] = 0;
    const byte *here = levels->levels + y * stride, *above = y ? here - stride : here;
    const byte *under = y + 1 < levels->height ? here + stride : here;
    for (long x = 0; x < width; x++) {
        byte is = ((above[x] > sure) & (above[x] < 255 - sure)) | ((here[x] > sure) & (here[x] < 255 - sure)) |
                  ((under[x] > sure) & (under[x] < 255 - sure));
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

#define HIDDEN_ONE 96
#define HIDDEN_TWO 48
#define PARTS 4
#define BATCH 24 /* pixels, whose features stay in the first cache */
#define TOGETHER 6
#define WIDE 8

typedef float wide __attribute__((vector_size(4 * WIDE), aligned(4)));
typedef float four_floats __attribute__((vector_size(16), aligned(4)));

/* Three fully connected layers: (inputs, outputs) weights, and biases. */
typedef struct {
    const float *weights[3], *biases[3];
} network;

/* A hidden layer, of `count` pixels, rounded up to TOGETHER; `outputs` is a multiple of 2 * WIDE. */
static inline void hidden(const float *restrict in, long count, long inputs, const float *restrict weights,
                          const float *restrict biases, long outputs, float *restrict out) {
    for (long column = 0; column < outputs; column += 2 * WIDE) {
        for (long first = 0; first < count; first += TOGETHER) {
            wide sums[TOGETHER][2];
            for (int n = 0; n < TOGETHER; n++)
                sums[n][0] = *(const wide *)(biases + column), sums[n][1] = *(const wide *)(biases + column + WIDE);
            for (long k = 0; k < inputs; k++) {
                wide left = *(const wide *)(weights + k * outputs + column);
                wide right = *(const wide *)(weights + k * outputs + column + WIDE);
                for (int n = 0; n < TOGETHER; n++) {
                    float value = in[(first + n) * inputs + k];
                    sums[n][0] += value * left, sums[n][1] += value * right;
                }
            }
            for (int n = 0; n < TOGETHER; n++) {
                for (int half = 0; half < 2; half++) {
                    wide none = {0}, sum = sums[n][half];
                    *(wide *)(out + (first + n) * outputs + column + half * WIDE) =
                        __builtin_elementwise_max(sum, none);
                }
            }
        }
    }
}

typedef int four_ints __attribute__((vector_size(16)));

/* To seven digits; `value` within -80 and 80. */
static inline four_floats exponential(four_floats value) {
    four_floats power = __builtin_elementwise_rint(value * 1.44269504f);
    four_floats rest = value - power * 0.693359375f + power * 2.12194440e-4f, sum = rest * 1.9875691500e-4f;
    sum = sum + 1.3981999507e-3f, sum = sum * rest + 8.3334519073e-3f, sum = sum * rest + 4.1665795894e-2f;
    sum = sum * rest + 1.6666665459e-1f, sum = sum * rest + 5.0000001201e-1f;
    union {
        four_ints bits;
        four_floats numbers;
    } scale = {.bits = (__builtin_convertvector(power, four_ints) + 127) << 23};
    return (sum * rest * rest + rest + 1) * scale.numbers;
}

static inline four_floats four_within(four_floats value, float low, float high) {
    four_floats lowest = {low, low, low, low}, highest = {high, high, high, high};
    return __builtin_elementwise_min(__builtin_elementwise_max(value, lowest), highest);
}

/* How an edge is corrected. */
typedef struct {
    network layers;
    const float *logits; /* of each level before */
    float scale;         /* what an output of 1 adds to a logit */
    float haze;          /* below it an answer means no */
    const float *limits; /* as `describe` wants them */
    long sure;           /* how close to 0 or 255 a level is sure */
} correcting;

/* `network.correct` of at most BATCH pixels of the second of three levels: changes the four parts of each in `corrected`,
whose rows are as long as those of the first level. */
static void correct_some(const blend *levels, const int *rows, const int *columns, long count, const correcting *by,
                         byte *restrict corrected) {
    float features[BATCH * FEATURES], one[BATCH * HIDDEN_ONE], two[BATCH * HIDDEN_TWO], trust[BATCH];
    for (long n = count; n < (count + TOGETHER - 1) / TOGETHER * TOGETHER; n++)
        for (int k = 0; k < FEATURES; k++) features[n * FEATURES + k] = 0;
    describe(levels, rows, columns, count, by->limits, features, trust);
    hidden(features, count, FEATURES, by->layers.weights[0], by->layers.biases[0], HIDDEN_ONE, one);
    hidden(one, count, HIDDEN_ONE, by->layers.weights[1], by->layers.biases[1], HIDDEN_TWO, two);
    for (long n = 0; n < count; n++) {
        const float *outputs = by->layers.weights[2];
        four_floats said = *(const four_floats *)by->layers.biases[2], others[3] = {{0}};
        for (int k = 0; k < HIDDEN_TWO; k += 4) { /* four sums, none of which waits for another */
            const float *inputs = two + n * HIDDEN_TWO + k;
            said += inputs[0] * *(const four_floats *)(outputs + k * PARTS);
            for (int other = 0; other < 3; other++)
                others[other] += inputs[1 + other] * *(const four_floats *)(outputs + (k + 1 + other) * PARTS);
        }
        said += others[0] + (others[1] + others[2]);

        const byte *seen[PARTS];
        byte *changed[PARTS], nowhere = 0;
        four_floats logits, answers;
        for (int part = 0; part < PARTS; part++) {
            long row = 2 * rows[n] + (rows[n] & 1) + direction(rows[n]) * (part >> 1);
            long column = 2 * columns[n] + (columns[n] & 1) + direction(columns[n]) * (part & 1);
            int is_there = row < levels->height && column < levels->width;
            seen[part] = is_there ? levels->levels + row * levels->level_stride + column : &nowhere;
            changed[part] = is_there ? corrected + row * levels->width + column : &nowhere;
            logits[part] = by->logits[*seen[part]], answers[part] = (float)*seen[part];
        }
        answers *= 1 / 255.0f;
        four_floats likely = 1 / (1 + exponential(four_within(-(logits + by->scale * said), -80, 80)));
        four_floats sure = four_within((likely - by->haze) / (1 - 2 * by->haze), 0, 1);
        four_floats rounded = __builtin_elementwise_rint((answers + trust[n] * (sure - answers)) * 255);
        for (int part = 0; part < PARTS; part++) *changed[part] = (byte)(int)rounded[part];
    }
}

/* `cascade.correct`: fills `corrected`, which is as large as the first of three levels, with its answers, corrected where
rows `top` to `bottom` of the second level are unsure; the rows that are parts of those, and no others.

`room` is five rows of the second level and 64 more, `columns` and `rows` are as long as a row and BATCH. */
EXPORT void correct(const blend *levels, long top, long bottom, const correcting *by, byte *restrict room,
                    int *restrict rows, int *restrict columns, byte *restrict corrected) {
    const blend *finest = levels, *middle = levels + 1;
    long end = 2 * bottom < finest->height ? 2 * bottom : finest->height, waiting = 0;
    for (long y = 2 * top; y < end; y++)
        for (long x = 0; x < finest->width; x++)
            corrected[y * finest->width + x] = finest->levels[y * finest->level_stride + x];
    for (long y = top; y < bottom; y++) {
        long found = unsure(middle, levels + 2, y, by->sure, by->limits, room, columns + waiting), done = 0;
        for (long n = 0; n < found; n++) rows[waiting + n] = (int)y;
        waiting += found;
        for (; waiting - done >= BATCH; done += BATCH)
            correct_some(levels, rows + done, columns + done, BATCH, by, corrected);
        for (long n = done; done && n < waiting; n++) rows[n - done] = rows[n], columns[n - done] = columns[n];
        waiting -= done;
    }
    if (waiting) correct_some(levels, rows, columns, waiting, by, corrected);
}

/* --- twice the size ----------------------------------------------------------------------------------------------- */

static inline void widen(const byte *restrict row, long width, byte *restrict wide) {
    wide[0] = row[0];
    for (long x = 0; x < width - 1; x++) {
        wide[2 * x + 1] = (byte)((3 * row[x] + row[x + 1] + 2) >> 2);
        wide[2 * x + 2] = (byte)((row[x] + 3 * row[x + 1] + 2) >> 2);
    }
    wide[2 * width - 1] = row[width - 1];
}

static inline void mix(const byte *restrict most, const byte *restrict least, long width, byte *restrict mixed) {
    for (long x = 0; x < width; x++) mixed[x] = (byte)((3 * most[x] + least[x] + 2) >> 2);
}

static inline void copy(const byte *restrict from, long width, byte *restrict into) {
    for (long x = 0; x < width; x++) into[x] = from[x];
}

/* What rows `first` to `last` of (height, width) become in (out_height, out_width), twice as large or one less; bilinear,
rounded along each axis as Pillow does. `scratch` has room for two rows of 2 * width. */
EXPORT void twice(const byte *restrict small, long width, long height, byte *restrict large, long out_width,
                  long out_height, long first, long last, byte *restrict scratch) {
    byte *above = scratch, *here = scratch + 2 * width;
    widen(small + clamped(first - 1, height - 1) * width, width, above);
    widen(small + first * width, width, here);
    for (long y = first; y < last; y++) {
        /* `above` is what lies over row y, `here` the row itself */
        mix(here, above, out_width, large + 2 * y * out_width);
        byte *swap = above;
        above = here, here = swap;
        if (y + 1 < height)
            widen(small + (y + 1) * width, width, here);
        else
            copy(above, 2 * width, here);
        if (2 * y + 1 < out_height) mix(above, here, out_width, large + (2 * y + 1) * out_width);
    }
}

/* --- smaller pictures --------------------------------------------------------------------------------------------- */

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

/* --- the subject ------------------------------------------------------------------------------------------------- */

#define SOME_CELLS 128 /* whose sums stay in the first cache */
#define SOME_ROWS 16   /* of cells, an even number */

/* Rows `first` to `last` of `unmixing.Finest`, and what they become at half the size; `first` is an even number, and so is
`last` where it is not the end.

`box` is the part of the picture, in cells, that `finest` has, twelve planes, and `half` in twelve smaller ones. `left_out`
has a mark for each cell of the picture that says nothing, or is not there. Of the `count` chosen cells, row by row, those
in the rows are looked at closer. */
EXPORT void begin(const blend *from, const byte *left_out, const window *box, const long *cell_rows,
                  const long *cell_columns, long count, long first, long last, float *finest, float *half) {
    long plane = box->width * box->height, cells_across = (from->width + CELL - 1) / CELL, next = 0;
    unsigned short sums[SOME_CELLS * CELL * 4];
    pixel means[SOME_CELLS];
    byte levels[SOME_CELLS];
    while (next < count && cell_rows[next] < box->top + first) next++;
    for (long start = first; start < last; start += SOME_ROWS) {
        long end = start + SOME_ROWS < last ? start + SOME_ROWS : last, chosen = next;
        for (long y = start; y < end; y++) {
            long row = (box->top + y) * CELL, rows = from->height - row < CELL ? from->height - row : CELL;
            for (long x = 0; x < box->width; x += SOME_CELLS) {
                long some = box->width - x < SOME_CELLS ? box->width - x : SOME_CELLS, column = (box->left + x) * CELL;
                long across = from->width - column < some * CELL ? from->width - column : some * CELL;
                const pixel *colors = from->colors + row * from->color_stride + column;
                shrink((const byte *)colors, 4 * from->color_stride, across, rows, 4, CELL, CELL, sums, (byte *)means);
                shrink(from->levels + row * from->level_stride + column, from->level_stride, across, rows, 1, CELL, CELL,
                       sums, levels);
                float *here = finest + y * box->width + x;
                begin_cells(means, levels, left_out ? left_out + (box->top + y) * cells_across + box->left + x : 0, some,
                            plane, here + MIXTURE * plane, here + ALPHA * plane, here + PURE * plane);
            }
        }
        while (next < count && cell_rows[next] < box->top + end) next++;
        purest_colors(from, cell_rows + chosen, cell_columns + chosen, next - chosen, finest + PURE * plane, plane,
                      box->width, box->top, box->left);
        halve(finest, PLANES, box->width, box->height, start / 2, (end + 1) / 2, half);
    }
}

/* What is known of the subject's colours: in a part of the picture, `box` in cells, twelve planes, and six of half the size;
and the cells that hold the soft edge, row by row. */
typedef struct {
    const float *finest, *half;
    const long *rows, *columns;
    long count;
    float doubt, least_smoothness;
} known;

/* Puts the subject's colour in the place of the mixture, in some chosen cells of a part of the picture. */
static void unmix_cells(const area *in_place, const known *of, const window *box, long chosen, long count, float *room) {
    const long *rows = of->rows + chosen, *columns = of->columns + chosen;
    long left = columns[0], right = columns[0];
    for (long n = 1; n < count; n++)
        left = columns[n] < left ? columns[n] : left, right = columns[n] > right ? columns[n] : right;
    window in = {rows[0] - 1 - box->top, left - 1 - box->left, right - left + 3, rows[count - 1] - rows[0] + 3};
    sizes finest = of_planes(of->finest, box->width, box->height);
    enlarge(of->half, (box->width + 1) / 2, (box->height + 1) / 2, &finest, &in, of->doubt, of->least_smoothness, room);
    unmix(in_place, rows, columns, count, room, in.width * in.height, in.width, rows[0] - 1, left - 1);
}

static void bounds_of(const byte *levels, long stride, long width, long height, long least, long *box);

#define PAINTED_ROWS 16 /* at once: what is painted stays in the cache; a multiple of CELL */

/* Rows `top` to `bottom` of the subject, the first a multiple of PAINTED_ROWS: `subject.Brush.paint`.

`shown` are the levels of the matte, of `shown_stride`. `of` is null where colours stay as they are. `out` is column `left`
of row `top`; where nothing is shown it stays as it is. `room` is six planes of PAINTED_ROWS / CELL + 2 rows of the box, two
columns wider. */
EXPORT void paint(const blend *from, const byte *shown, long shown_stride, const known *of, const window *box, long top,
                  long bottom, pixel *out, long out_stride, long left, float *room) {
    long next = 0;
    for (long y = top; y < bottom; y += PAINTED_ROWS) {
        long rows = bottom - y < PAINTED_ROWS ? bottom - y : PAINTED_ROWS, seen[4];
        const byte *levels = shown + y * shown_stride;
        bounds_of(levels, shown_stride, from->width, rows, 1, seen);
        if (!seen[2]) continue;
        long first = seen[0] / CELL * CELL, last = (seen[2] + CELL - 1) / CELL * CELL;
        last = last < from->width ? last : from->width;
        area painted = {out + (y - top) * out_stride + first - left, out_stride, last - first, rows, y / CELL, first / CELL};
        for (long row = 0; row < rows; row++)
            for (long x = 0; x < painted.width; x++)
                painted.pixels[row * out_stride + x] = blended(from, y + row, first + x);
        if (of) {
            while (next < of->count && of->rows[next] < y / CELL) next++;
            long chosen = next;
            while (next < of->count && of->rows[next] * CELL < y + rows) next++;
            if (next > chosen) unmix_cells(&painted, of, box, chosen, next - chosen, room);
        }
        for (long row = 0; row < rows; row++) {
            const byte *level = levels + row * shown_stride + first;
            pixel *pixels = painted.pixels + row * out_stride;
            if (shown != from->levels)
                for (long x = 0; x < painted.width; x++) pixels[x] = (pixels[x] & 0xFFFFFFu) | (pixel)level[x] << 24;
            for (long x = 0; x < painted.width; x++) pixels[x] = pixels[x] > 0xFFFFFFu ? pixels[x] : 0;
        }
    }
}

/* --- a few rows --------------------------------------------------------------------------------------------------- */

/* (left, top, right, bottom) of those of (height, width) levels that are `least` at least; nothing where there is none. */
static void bounds_of(const byte *levels, long stride, long width, long height, long least, long *box) {
    box[0] = width, box[1] = height, box[2] = 0, box[3] = 0;
    for (long y = 0; y < height; y++, levels += stride) {
        byte highest = 0;
        for (long x = 0; x < width; x++) highest = levels[x] > highest ? levels[x] : highest;
        if (highest < least) continue;
        box[1] = y < box[1] ? y : box[1], box[3] = y + 1;
        for (long x = 0; x < box[0]; x++)
            if (levels[x] >= least) box[0] = x;
        for (long x = width - 1; x >= box[2]; x--)
            if (levels[x] >= least) box[2] = x + 1;
    }
}

EXPORT void bounds(const byte *levels, long stride, long width, long height, long least, long *box) {
    bounds_of(levels, stride, width, height, least, box);
}

/* Whether one of (height, width) levels is `least` at least; looks no farther than the first row with one. */
EXPORT long reaches(const byte *levels, long stride, long width, long height, long least) {
    for (long y = 0; y < height; y++, levels += stride) {
        byte highest = 0;
        for (long x = 0; x < width; x++) highest = levels[x] > highest ? levels[x] : highest;
        if (highest >= least) return 1;
    }
    return 0;
}

/* The cells of rows of levels, the first of which is cell `top`, where one level lies within (low, high) and `left_out`,
if there is one, has no mark: their rows and columns, row by row. Returns how many. */
EXPORT long mixed_cells(const byte *levels, long stride, long width, long height, long low, long high,
                        const byte *left_out, long top, long *restrict rows, long *restrict columns) {
    long cells = (width + CELL - 1) / CELL, count = 0;
    byte within_both[SOME_CELLS * CELL];
    for (long y = 0; y < height; y += CELL, levels += CELL * stride) {
        long deep = height - y < CELL ? height - y : CELL, row = top + y / CELL;
        for (long first = 0; first < cells; first += SOME_CELLS) {
            long some = cells - first < SOME_CELLS ? cells - first : SOME_CELLS;
            long wide = width - first * CELL < some * CELL ? width - first * CELL : some * CELL;
            for (long x = wide; x < some * CELL; x++) within_both[x] = 0;
            for (long down = 0; down < deep; down++) {
                const byte *here = levels + down * stride + first * CELL;
                for (long x = 0; x < wide; x++) {
                    byte is = (here[x] > low) & (here[x] < high);
                    within_both[x] = down ? within_both[x] | is : is;
                }
            }
            for (long cell = 0; cell < some; cell++) {
                const byte *four = within_both + cell * CELL;
                if (!(four[0] | four[1] | four[2] | four[3])) continue;
                if (left_out && left_out[row * cells + first + cell]) continue;
                rows[count] = row, columns[count] = first + cell;
                count++;
            }
        }
    }
    return count;
}

static void difference(const byte *restrict here, const byte *restrict above, long count, byte *restrict out) {
    for (long x = 0; x < count; x++) out[x] = (byte)(here[x] - above[x]);
}

static void difference_of_colors(const byte *restrict here, const byte *restrict above, long count, byte *restrict out) {
    for (long x = 0; x < count; x++)
        for (int channel = 0; channel < 3; channel++)
            out[3 * x + channel] = (byte)(here[4 * x + channel] - above[4 * x + channel]);
}

/* Rows `top` to `bottom` of a PNG of pixels of 4 bytes, the first `channels` of them, 3 or 4; each row behind the filter
type UP, of the difference to the row above. `none` is a row of zeros. */
EXPORT void filter_up(const byte *pixels, long width, long channels, long top, long bottom, const byte *none, byte *out) {
    for (long y = top; y < bottom; y++, out += channels * width + 1) {
        const byte *here = pixels + 4 * width * y, *above = y ? here - 4 * width : none;
        out[0] = 2;
        if (channels == 4)
            difference(here, above, 4 * width, out + 1);
        else
            difference_of_colors(here, above, width, out + 1);
    }
}
