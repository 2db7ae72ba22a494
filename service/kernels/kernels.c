/* The innermost loops of refinement and of unmixing colours: one pass where numpy takes dozens, and no lock of Python's.

Each does what the function of the same purpose in `surroundings.py`, `cascade.py`, `packed.py` and `unmixing.py` does,
which is what runs where this was not built for; tests hold the two together. What is exported does a whole stage of some
rows of a picture, as each call from Python takes 10 to 20 microseconds of its lock. Needs no library, not even C's. `make
kernels` compiles.

One unit, so that what one room has of another is inlined; each says what it is about.
*/

#include "source/pixels.h"
#include "source/cells.c"
#include "source/solving.c"
#include "source/unsure.c"
#include "source/correcting.c"
#include "source/sizes.c"
#include "source/rows.c"
#include "source/painting.c"
