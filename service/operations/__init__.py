"""What the service can do with a photo: one file an operation, and one row here.

HTTP routes, OpenAPI, the command line, live effects and the studio's menu derive from this table, in its order.
"""

from typing import Any

from service.operations.blur_background import BLUR_BACKGROUND
from service.operations.color_pop import COLOR_POP
from service.operations.effect import Effect
from service.operations.operation import Operation
from service.operations.product_shot import PRODUCT_SHOT
from service.operations.remove_background import REMOVE_BACKGROUND
from service.operations.replace_background import REPLACE_BACKGROUND
from service.operations.segment import SEGMENT

OPERATIONS: dict[str, Operation[Any]] = {
    "segment": SEGMENT,
    "remove-background": REMOVE_BACKGROUND,
    "replace-background": REPLACE_BACKGROUND,
    "blur-background": BLUR_BACKGROUND,
    "color-pop": COLOR_POP,
    "product-shot": PRODUCT_SHOT,
}

LIVE_EFFECTS: dict[str, Effect[Any]] = {
    name: operation for name, operation in OPERATIONS.items() if isinstance(operation, Effect) and operation.is_live
}
"""Those that `/stream` offers."""
