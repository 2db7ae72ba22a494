/* Pixels, and where they lie. */

typedef unsigned char byte;
typedef unsigned int pixel; /* red in the lowest byte; the highest is alpha, or a network's answer */

#define EXPORT __attribute__((visibility("default")))

static inline long clamped(long value, long last) { return value < 0 ? 0 : value > last ? last : value; }
static inline float within(float value, float low, float high) {
    return value < low ? low : value > high ? high : value;
}

/* Whether a level lies within (low, high), of which the second is the larger. In bytes, so that many are compared at once. */
static inline byte lies_within(byte level, byte low, byte high) { return (byte)(level - low - 1) < (byte)(high - low - 1); }

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

#define AT_ONCE 512 /* columns */
