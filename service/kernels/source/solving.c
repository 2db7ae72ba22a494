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

/* `count` columns of one row of one plane that is twice as large, from `first` on; bilinear. */
static inline void between(const float *plane, long width, long height, long row, long first, long count,
                           float *restrict into) {
    const float *most = plane + (row >> 1) * width;
    const float *least = plane + clamped((row >> 1) + (row & 1 ? 1 : -1), height - 1) * width;
    float mixed[AT_ONCE / 2 + 4], wide[AT_ONCE + 4];
    long start = (first >> 1) - 1, end = ((first + count - 1) >> 1) + 2; /* one more on either side, maybe beyond */
    for (long x = clamped(start, width - 1); x < end && x < width; x++)
        mixed[x - start] = 0.75f * most[x] + 0.25f * least[x];
    if (start < 0) mixed[0] = mixed[1];
    if (end > width) mixed[end - 1 - start] = mixed[end - 2 - start];
    for (long x = 0; x < end - start - 2; x++) {
        wide[2 * x] = 0.75f * mixed[x + 1] + 0.25f * mixed[x];
        wide[2 * x + 1] = 0.75f * mixed[x + 1] + 0.25f * mixed[x + 2];
    }
    for (long x = 0; x < count; x++) into[x] = wide[x + (first & 1)];
}

/* Both colours of `count` pixels moved towards what explains the mixture; each plane is AT_ONCE long. */
static inline void explain(float (*restrict colors)[AT_ONCE], const float *const mixture[3], const float *restrict alpha,
                           const float *restrict smoothness, long count) {
    for (int channel = 0; channel < 3; channel++) {
        const float *restrict seen = mixture[channel];
        float *restrict fore = colors[channel], *restrict back = colors[3 + channel];
        for (long x = 0; x < count; x++) {
            float rest = 1 - alpha[x], share = 1 / (alpha[x] * alpha[x] + rest * rest + smoothness[x]);
            float unexplained = (seen[x] - back[x] - alpha[x] * (fore[x] - back[x])) * share;
            fore[x] = within(fore[x] + alpha[x] * unexplained, 0, 255);
            back[x] = within(back[x] + rest * unexplained, 0, 255);
        }
    }
}

/* The six planes `small`, twice as large, pulled towards what is pure; and where `smoothness` is not 0 explained.

`out` is six planes as large as the window. */
static void enlarge(const float *small, long small_width, long small_height, const sizes *of, const window *in, float doubt,
                    float smoothness, float *out) {
    long plane = of->width * of->height, small_plane = small_width * small_height, out_plane = in->width * in->height;
    long left = clamped(in->left, of->width - 1), right = clamped(in->left + in->width - 1, of->width - 1) + 1;
    for (long start = left; start < right; start += AT_ONCE) {
        long count = right - start < AT_ONCE ? right - start : AT_ONCE;
        for (long y = 0; y < in->height; y++) {
            long row = clamped(in->top + y, of->height - 1), here = row * of->width + start;
            float colors[6][AT_ONCE], even[AT_ONCE];
            for (int each = 0; each < 6; each++) {
                between(small + each * small_plane, small_width, small_height, row, start, count, colors[each]);
                const float *pure = of->pure + each * plane + here, *weight = of->weight + each / 3 * plane + here;
                for (long x = 0; x < count; x++)
                    colors[each][x] = (pure[x] + doubt * colors[each][x]) / (weight[x] + doubt);
            }
            if (smoothness != 0) {
                const float *mixture[3] = {of->mixture + here, of->mixture + plane + here, of->mixture + 2 * plane + here};
                for (long x = 0; x < count; x++) even[x] = smoothness;
                explain(colors, mixture, of->alpha + here, even, count);
            }
            for (int each = 0; each < 6; each++) {
                float *line = out + each * out_plane + y * in->width;
                for (long x = 0; x < count; x++) line[start - in->left + x] = colors[each][x];
            }
        }
    }
    for (long line = 0; line < 6 * in->height; line++) { /* beyond the picture its border is repeated */
        float *row = out + line * in->width;
        for (long x = 0; x < left - in->left; x++) row[x] = row[left - in->left];
        for (long x = right - in->left; x < in->width; x++) row[x] = row[right - 1 - in->left];
    }
}

/* One Jacobi step: `foreground._smooth`. `colors` and `out` are six planes. */
static void smooth(const float *colors, const sizes *of, float least, float most, float *restrict out) {
    long width = of->width, height = of->height, plane = width * height;
    for (long y = 0; y < height; y++) {
        long above = y ? -width : 0, below = y < height - 1 ? width : 0;
        for (long start = 0; start < width; start += AT_ONCE) {
            long count = width - start < AT_ONCE ? width - start : AT_ONCE, here = y * width + start;
            const float *alpha = of->alpha + here;
            float totals[6][AT_ONCE], weights[4][AT_ONCE], all[AT_ONCE];
            /* To the right, to the left, above and below; at the border the pixel is its own neighbour. */
            long sides[4] = {1, -1, above, below};
            for (int side = 0; side < 4; side++) {
                long away = sides[side], from = side == 1 && !start, to = count - (side == 0 && start + count == width);
                if (from) weights[side][0] = least;
                if (to < count) weights[side][to] = least;
                for (long x = from; x < to; x++) {
                    float apart = alpha[x + away] - alpha[x];
                    weights[side][x] = least + most * (apart < 0 ? -apart : apart);
                }
            }
            for (long x = 0; x < count; x++) all[x] = weights[0][x] + weights[1][x] + weights[2][x] + weights[3][x];
            for (int each = 0; each < 6; each++) {
                const float *color = colors + each * plane + here;
                float *total = totals[each];
                long from = !start, to = count - (start + count == width);
                for (long x = from; x < to; x++)
                    total[x] = weights[0][x] * color[x + 1] + weights[1][x] * color[x - 1] +
                               weights[2][x] * color[x + above] + weights[3][x] * color[x + below];
                for (long x = 0; x < count; x += count > 1 ? count - 1 : 1) {
                    if (x >= from && x < to) continue;
                    long right = start + x < width - 1, left = start + x > 0;
                    total[x] = weights[0][x] * color[x + right] + weights[1][x] * color[x - left] +
                               weights[2][x] * color[x + above] + weights[3][x] * color[x + below];
                }
                for (long x = 0; x < count; x++) total[x] /= all[x];
            }
            const float *mixture[3] = {of->mixture + here, of->mixture + plane + here, of->mixture + 2 * plane + here};
            explain(totals, mixture, alpha, all, count);
            for (int each = 0; each < 6; each++)
                for (long x = 0; x < count; x++) out[each * plane + here + x] = totals[each][x];
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
