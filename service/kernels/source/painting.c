/* The subject with its own colours: `painting.py`, and what `unmixing.py` and `subject.py` do. */

#define SOME_CELLS 128 /* whose sums stay in the first cache */
#define SOME_ROWS 16   /* of cells, an even number */

/* The cells of rows of levels, the first of which is cell `top`, where one level lies within (low, high) and `left_out`,
if there is one, has no mark: their rows and columns, row by row. Returns how many. */
EXPORT long mixed_cells(const byte *levels, long stride, long width, long height, long low, long high,
                        const byte *left_out, long top, long *restrict rows, long *restrict columns) {
    long cells = (width + CELL - 1) / CELL, count = 0;
    byte marks[SOME_CELLS * CELL];
    for (long y = 0; y < height; y += CELL, levels += CELL * stride) {
        long deep = height - y < CELL ? height - y : CELL, row = top + y / CELL;
        for (long first = 0; first < cells; first += SOME_CELLS) {
            long some = cells - first < SOME_CELLS ? cells - first : SOME_CELLS;
            long wide = width - first * CELL < some * CELL ? width - first * CELL : some * CELL;
            for (long x = 0; x < some * CELL; x++) marks[x] = 0;
            for (long down = 0; down < deep; down++) {
                const byte *here = levels + down * stride + first * CELL;
                for (long x = 0; x < wide; x++) marks[x] |= lies_within(here[x], (byte)low, (byte)high);
            }
            for (long cell = 0; cell < some; cell++) {
                const byte *four = marks + cell * CELL;
                if (!(four[0] | four[1] | four[2] | four[3])) continue;
                if (left_out && left_out[row * cells + first + cell]) continue;
                rows[count] = row, columns[count] = first + cell;
                count++;
            }
        }
    }
    return count;
}

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
