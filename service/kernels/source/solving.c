/* Both colours at smaller sizes: `foreground.py`. */

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
