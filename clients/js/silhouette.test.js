// `node --test`, against the service at SILHOUETTE_TEST_URL; the picture at SILHOUETTE_TEST_PICTURE has a red subject.
// tests/our_clients/test_js_client.py starts both.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { test } from "node:test";

import { Busy, Client, ConnectionFailed, InputError, JobFailed, Late, NoForeground, Result, SilhouetteError } from "silhouette-client";

const url = process.env.SILHOUETTE_TEST_URL;
const picture = await readFile(process.env.SILHOUETTE_TEST_PICTURE);
const empty = await readFile(process.env.SILHOUETTE_TEST_EMPTY_PICTURE);
const film = await readFile(process.env.SILHOUETTE_TEST_FILM);
const silhouette = new Client(`${url}/`);

// A server that answers no more than `says`, and then hangs up without a word.
async function scripted(says, story) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    request.resume().on("end", () => {
      const said = says[asked.length - 1];
      if (!said) return request.socket.destroy();
      if (said === "silence") return undefined;
      return response.writeHead(said.status, { Connection: "close", ...said.headers }).end(said.body ?? "");
    });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    await story(`http://127.0.0.1:${server.address().port}`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const busy = (retryAfter) => ({
  status: 503,
  headers: retryAfter === undefined ? {} : { "Retry-After": retryAfter },
  body: JSON.stringify({ code: "queue_full", detail: "full", request_id: "some-id" }),
});
const ok = { status: 200, headers: { "Content-Type": "image/png" }, body: picture };

test("a result says what it is and what made it", async () => {
  const result = await silhouette.removeBackground(picture, { format: "webp", output: "cutout", keep: ["subject"] });
  assert.equal(result.mediaType, "image/webp");
  assert.equal(String.fromCharCode(...(await result.bytes()).slice(8, 12)), "WEBP");
  assert.match(result.model, /^tiny-subject@/);
  assert.ok(result.requestId);
  assert.ok(result.box.width > 0 && result.box.height > 0);
});

test("every operation answers", async () => {
  const shot = await silhouette.productShot(new Blob([picture]), { size: "50x50", format: "jpeg", shadow: "drop" });
  assert.equal(shot.mediaType, "image/jpeg");
  for (const result of [
    await silhouette.replaceBackground(picture, { background: new File([picture], "beach.png"), decontaminate: false }),
    await silhouette.replaceBackground(picture.buffer.slice(picture.byteOffset, picture.byteOffset + picture.length), { color: "white" }),
    await silhouette.blurBackground(picture, { strength: 0.5 }),
    await silhouette.colorPop(picture, { saturation: undefined }),
    await silhouette.segment(picture),
  ]) {
    assert.equal(result.mediaType, "image/png");
  }
  const masks = await (await silhouette.segment(picture, { output: "masks", format: "json", encoding: "rle" })).json();
  assert.equal(masks[0].label, "red");
});

test("a job is submitted, and its result fetched", async () => {
  const job = await silhouette.wait(await silhouette.submit("color-pop", picture, { format: "webp" }));
  const [result, direct] = [await silhouette.jobResult(job), await silhouette.colorPop(picture, { format: "webp" })];
  assert.deepEqual(await result.bytes(), await direct.bytes());
  const failed = await silhouette.wait(await silhouette.submit("remove-background", empty));
  await assert.rejects(silhouette.jobResult(failed), JobFailed);
});

test("the models are listed", async () => {
  assert.equal((await silhouette.models())[0].name, "tiny-subject");
});

test("a model is loaded, chosen and unloaded by its name", async () => {
  const told = [];
  const server = createServer((request, response) => {
    told.push(`${request.method} ${request.url}`);
    if (request.method === "DELETE") response.writeHead(204).end();
    else response.writeHead(200, { "Content-Type": "application/json" }).end('{"name":"mine"}');
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = new Client(`http://127.0.0.1:${server.address().port}`);
  try {
    assert.equal((await client.loadModel("mine")).name, "mine");
    assert.equal((await client.setDefaultModel("mine")).name, "mine");
    assert.equal(await client.unloadModel("mi/ne"), undefined);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  assert.deepEqual(told, ["POST /models/mine", "PUT /models/mine/default", "DELETE /models/mi%2Fne"]);
});

test("problems become errors of their kind", async () => {
  await assert.rejects(silhouette.removeBackground(empty), (error) => {
    assert.ok(error instanceof NoForeground && error instanceof InputError && error instanceof SilhouetteError);
    assert.equal(error.code, "no_foreground");
    assert.equal(error.status, 422);
    assert.ok(error.requestId && error.detail.includes("allow_empty"));
    return true;
  });
  await assert.rejects(silhouette.segment(picture, { model: "sam" }), { code: "unknown_model", name: "InputError" });
  await assert.rejects(silhouette.segment("photo.jpg"), TypeError);
});

test("a busy service is asked again when it says", async () => {
  await scripted([busy("1"), busy(), ok], async (address, asked) => {
    const began = Date.now();
    const result = await new Client(address, { key: "sil_1" }).segment(picture);
    assert.ok(Date.now() - began >= 1_000);
    assert.deepEqual(Buffer.from(await result.bytes()), picture);
    assert.deepEqual(asked.map((headers) => headers["x-api-key"]), ["sil_1", "sil_1", "sil_1"]);
    const [first, second] = asked.map((headers) => Number(headers["x-request-timeout-ms"]));
    assert.ok(second <= first - 1_000);
  });
});

test("nobody waits for what comes too late", async () => {
  for (const retryAfter of ["30", "Wed, 21 Oct 2099 07:28:00 GMT"]) {
    await scripted([busy(retryAfter), ok], async (address, asked) => {
      await assert.rejects(new Client(address, { timeoutMs: 5_000 }).segment(picture), (error) => {
        assert.ok(error instanceof Busy && error.retryAfterMs >= 30_000);
        return true;
      });
      assert.equal(asked.length, 1);
    });
  }
});

test("a lost connection is asked again, and not for ever", async () => {
  await scripted([], async (address, asked) => {
    await assert.rejects(new Client(address).segment(picture), ConnectionFailed);
    assert.equal(asked.length, 3);
  });
});

test("what would not help is not asked again", async () => {
  const said = { status: 500, body: "<html>" };
  await scripted([said, ok], async (address, asked) => {
    await assert.rejects(new Client(address).segment(picture), { name: "ServiceFault", code: "http_500", status: 500 });
    assert.equal(asked.length, 1);
  });
});

test("a silent service is late", async () => {
  await scripted(["silence"], async (address) => {
    await assert.rejects(new Client(address, { timeoutMs: 50 }).segment(picture), Late);
  });
});

test("a call is aborted by its signal, while it waits too", async () => {
  await scripted(["silence"], async (address) => {
    const leaving = new AbortController();
    const asking = new Client(address).segment(picture, {}, { signal: leaving.signal });
    setTimeout(() => leaving.abort(), 20);
    await assert.rejects(asking, { name: "AbortError" });
  });
  await scripted([busy("30"), ok], async (address) => {
    const leaving = new AbortController();
    const asking = new Client(address).segment(picture, {}, { signal: leaving.signal });
    setTimeout(() => leaving.abort(), 500);
    await assert.rejects(asking, { name: "AbortError" });
  });
});

test("a batch yields each result under its name, and errors in their place", async () => {
  const pictures = [["a", picture], picture, new File([picture], "c.png"), ["d", empty], ["a", picture]];
  const results = new Map();
  for await (const [name, result] of silhouette.batch("remove-background", pictures, { output: "matte" }, { concurrency: 2 })) {
    results.set(name, result);
  }
  assert.deepEqual([...results.keys()].sort(), ["1", "a", "a-4", "c.png", "d"]);
  assert.ok(results.get("d") instanceof NoForeground);
  results.delete("d");
  assert.ok([...results.values()].every((result) => result instanceof Result));
});

test("pictures of a batch are taken as they are needed, and leaving it aborts what runs", async () => {
  let taken = 0;
  async function* endless() {
    for (;;) {
      taken += 1;
      yield picture;
    }
  }
  for await (const [name] of silhouette.batch("color-pop", endless(), {}, { concurrency: 2 })) {
    assert.ok(Number(name) < taken);
    if (taken > 3) break;
  }
  assert.ok(taken <= 5);
});

test("a film is sent, followed and taken", async () => {
  const sent = await silhouette.sendVideo(film, { effect: "color-pop", speed: "fastest" });
  const heard = [];
  const made = await silhouette.wait(sent, { pollMs: 50, onProgress: (job) => heard.push(job.id) });
  assert.equal(made.state, "done");
  assert.equal(made.progress.done, 4);
  assert.ok(heard.every((id) => id === sent.id));
  assert.equal((await silhouette.jobResult(made)).mediaType, "video/mp4");
  const cancelled = await silhouette.cancel(await silhouette.sendVideo(film));
  assert.equal(cancelled.state, "cancelled");
  await assert.rejects(silhouette.jobResult(cancelled), JobFailed);
  await assert.rejects(silhouette.sendVideo(new Uint8Array(100)), InputError);
});
