#!/bin/sh
# axios 1.21.1: where the caller says nothing, a request for bytes (responseType "arraybuffer") has this header:
#   Accept: application/json, text/plain, */*
# A service that answers with a picture, or with JSON that has it as base64, must not choose JSON by the first type named:
# programs that write the body to a file would write JSON. Only who accepts nothing but JSON wants JSON.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund axios@1.21.1
node - <<'JS'
const axios = require("axios"), http = require("http");
const server = http.createServer((request, response) => response.end(request.headers.accept));
server.listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}/`;
  const answer = await axios.post(url, Buffer.from("picture"), {responseType: "arraybuffer"});
  server.close();
  const accept = Buffer.from(answer.data).toString();
  console.log("Accept:", accept);
  process.exitCode = accept === "application/json, text/plain, */*" ? 0 : 1;
});
JS
