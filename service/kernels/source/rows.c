/* Rows of levels or pixels, read once. */

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
