/* What the refinement network makes of unsure pixels: `network.py` and `cascade.correct`. */

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

#if !__has_builtin(__builtin_elementwise_rint) /* clang before 17, which has the sanitizers on some machines */
#define __builtin_elementwise_rint(value) __builtin_ia32_roundps(value, 4)
#endif

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
    if (first >= last) return;
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
