"""The jobs that this machine does: each with a token, by which Redis knows a late one, and a folder here."""

import json
import secrets
import shutil
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.errors import Failure, JobCrashed, TooManyBytes
from service.jobs.job import Job, State
from service.jobs.redis.intake import MOST_BYTES
from service.jobs.redis.link import RedisLink
from service.jobs.redis.rows import counts_of, job_of, pairs
from service.jobs.store import MOST_ATTEMPTS, Look

CRASHED = "the service died %d times while it worked on this"


@dataclass(frozen=True)
class Claim:
    """On one job."""

    token: str
    folder: Path


class Claims:
    """Threads may share it."""

    def __init__(self, link: RedisLink, scratch: Path, lease_s: float) -> None:
        self._link = link
        self._scratch = scratch
        self._lease_s = lease_s
        self._lock = threading.Lock()
        self._claims: dict[str, Claim] = {}
        self.counts: Mapping[State, int] = {}
        """Of all jobs, when Redis was last looked at."""

    def folder_of(self, id_: str) -> Path:
        """Where its files are, if it is at work here."""
        with self._lock:
            claim = self._claims.get(id_)
        return claim.folder if claim else self._scratch / id_

    def look(self, at_work: Collection[str]) -> Look:
        with self._lock:
            tokens = {id_: self._claims[id_].token for id_ in at_work if id_ in self._claims}
        told = [text for claim in tokens.items() for text in claim]
        lost, suspected, deaths, counts = self._link.run(
            "look", self._lease_s, MOST_ATTEMPTS, JobCrashed.code, CRASHED, *told
        )
        self.counts = counts_of(pairs(counts))
        return Look([id_.decode() for id_ in lost], [kind.decode() for kind in suspected], deaths)

    def take(self, kind: str, *, of_suspects: bool) -> Job | None:
        """With its files, in a folder of its own."""
        token = secrets.token_urlsafe(12)
        found = self._link.run("take", kind, token, self._lease_s, int(of_suspects))
        if found is None:
            return None
        told, files = (dict(pairs(flat)) for flat in found)
        job = job_of(told, self._scratch / token)
        job.folder.mkdir()
        for name, content in files.items():
            (job.folder / name.decode()).write_bytes(content)
        with self._lock:
            self._claims[job.id] = Claim(token, job.folder)
        return job

    def advance(self, id_: str, done: int, total: int | None) -> None:
        if (claim := self._claim(id_)) is not None:
            self._link.run("advance", id_, claim.token, done, "" if total is None else total)

    def finish(self, id_: str, result: str, media_type: str, notes: Mapping[str, Any]) -> bool:
        claim = self._claim(id_)
        if claim is None:
            return False
        content = (claim.folder / result).read_bytes()
        if len(content) > MOST_BYTES:
            most = f"{MOST_BYTES} are the most that is kept in Redis"
            self.fail(id_, TooManyBytes(f"the result has {len(content)} bytes; {most}: ask for it directly"))
            return False
        is_kept = self._link.run("finish", id_, claim.token, result, media_type, json.dumps(notes), content)
        self.let_go(id_)
        return bool(is_kept)

    def fail(self, id_: str, failure: Failure) -> bool:
        claim = self._claim(id_)
        if claim is None:
            return False
        is_kept = self._link.run("fail", id_, claim.token, failure.code, failure.detail)
        self.let_go(id_)
        return bool(is_kept)

    def put_back(self, id_: str) -> None:
        if (claim := self._claim(id_)) is not None:
            self._link.run("put_back", id_, claim.token)
            self.let_go(id_)

    def let_go(self, id_: str) -> None:
        """It is not at work here any more."""
        with self._lock:
            claim = self._claims.pop(id_, None)
        if claim is not None:
            shutil.rmtree(claim.folder, ignore_errors=True)

    def _claim(self, id_: str) -> Claim | None:
        with self._lock:
            return self._claims.get(id_)
