"""Jobs in Redis or Valkey: any number of machines take them in, do them and deliver their results."""

from service.jobs.redis.store import RedisStore

__all__ = ["RedisStore"]
