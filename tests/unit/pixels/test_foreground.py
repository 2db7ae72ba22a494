"""The colours of subject and background at chosen cells."""

import numpy as np
import pytest

from service.kernels.painting import Cells
from service.pixels.foreground import Estimate, Level, purity

HEIGHT, WIDTH = 13, 18


@pytest.mark.parametrize("row", [0, 1, 6, HEIGHT - 1])
@pytest.mark.parametrize("column", [0, 3, WIDTH - 1])
def test_a_cell_has_the_same_colours_asked_for_alone_and_with_all_others(row: int, column: int) -> None:
    random = np.random.default_rng(0)
    mixture = random.uniform(0, 255, (3, HEIGHT, WIDTH)).astype(np.float32)
    alpha = random.uniform(0, 1, (HEIGHT, WIDTH)).astype(np.float32)
    weight = purity(alpha)[:, np.newaxis]
    estimate = Estimate(Level(mixture, alpha, mixture * weight, weight))
    everywhere = Cells(*np.nonzero(np.ones((HEIGHT, WIDTH), bool)))
    alone = Cells(np.array([row]), np.array([column]))

    among_all = estimate.around(everywhere).at(everywhere)[..., row * WIDTH + column]

    np.testing.assert_allclose(estimate.around(alone).at(alone)[..., 0], among_all, atol=0.001)
