/* One step of a network in bytes. */

#include <immintrin.h>

typedef unsigned char byte;
typedef short number;

#define EXPORT __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))

#define LANES 16     /* channels that are transformed at once, and outputs that are added up at once */
#define AT_ONCE 6    /* tiles whose sums stay in registers */
#define MOST_SIDE 6  /* of what a tile sees */
#define MOST_TILES 96
#define MOST_CHANNELS 2048
#define ROWS 8 /* that a thread takes of what is no tiles */

enum { CONVOLVE, BEGIN, HALVE, DOUBLE };

/* One step of a network. What a kind has no use for is 0. */
typedef struct {
    long kind;
    const byte *in;
    long in_stride;
    long height, width, channels; /* of the input */
    byte *out;
    long out_stride;
    long outputs;
    long tile;     /* 4 or 2: results from side to side */
    long dilation; /* pixels from tap to tap */
    long tiles;    /* that a thread takes at once: a multiple of AT_ONCE, MOST_TILES at most */
    long group;    /* outputs that it takes of them: a multiple of LANES */
    const void *weights;
    const float *scales; /* what a sum of each place and output counts, in the output's levels */
    const float *biases;
    const byte *added; /* a tensor that is added to the result, if there is one */
    long added_stride;
    float *plane; /* instead of `out`: the first output, as it is */
} step;

/* Numbers from place to place. Without the line beside, all places of a tile would want the same few lines of a cache. */
static inline long values_apart(const step *s) { return s->tiles * s->channels + 2 * LANES; }
static inline long sums_apart(const step *s) { return s->tiles * LANES + LANES; }

static inline long least(long one, long other) { return one < other ? one : other; }
static inline long parts(long whole, long part) { return (whole + part - 1) / part; }
