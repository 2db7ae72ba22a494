"""What a key may still use, in the contract's headers: megapixels a minute."""

import math
import time
from collections.abc import Mapping

from service.access.quotas import Allowance


def limits(allowance: Allowance) -> Mapping[str, str]:
    """Nothing where the key's megapixels are not limited."""
    bucket = allowance.buckets.get("megapixels")
    if bucket is None:
        return {}
    return {
        "X-RateLimit-Limit": str(math.ceil(bucket.per_minute)),
        "X-RateLimit-Remaining": str(max(0, math.floor(bucket.left()))),
        "X-RateLimit-Reset": str(math.ceil(time.time() + bucket.wait_s(bucket.per_minute))),
    }
