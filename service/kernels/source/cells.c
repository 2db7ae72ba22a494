/* The colours of a soft edge, cell by cell: `unmixing.py` and `packed.py`. */

#define LANES 8

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
