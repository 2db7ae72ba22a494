#!/bin/sh
# uvicorn 0.54.0 with httptools 0.9.0 (what `uvicorn[standard]` takes), Python 3: a POST whose client offers to speak HTTP/2
# on the open connection ("Upgrade: h2c") arrives without its body. Java's java.net.http.HttpClient makes this offer with
# every first request to http://, and curl does with --http2. A server may decline it and answer in HTTP/1.1, with the body
# that was sent (RFC 9110, 7.8); httptools takes all that follows the head for the other protocol. Bytes of a body of 1000 that
# the application saw:
#   httptools, no offer: 1000
#   httptools, offered:  0
#   h11, offered:        1000
# (Its authors know: issue 2722 of uvicorn, for chunked bodies; a body with its length, as here, is lost as well.)
# So whoever is behind uvicorn answers "no file" to Java, until either side is told otherwise: HttpClient.Version.HTTP_1_1,
# or uvicorn --http h11.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check uvicorn==0.54.0 httptools==0.9.0 h11==0.16.0 2>/dev/null
cat > told.py <<'PY'
import asyncio, socket, sys
import uvicorn

# What Java 17's client sends, in its order.
OFFER = (
    b"POST / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: 1000\r\nHost: 127.0.0.1\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\nUpgrade: h2c\r\n"
    b"User-Agent: Java-http-client/17.0.15\r\nContent-Type: image/png\r\n\r\n"
) + b"x" * 1000
PLAIN = b"POST / HTTP/1.1\r\nContent-Length: 1000\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n\r\n" + b"x" * 1000


async def application(scope, receive, send):
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": b"%d" % size})


async def seen(http, request):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(application, http=http, lifespan="off", log_level="critical")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        server.should_exit = True
        await serving
    return int(answer.split(b"\r\n\r\n")[1].split(b"\r\n")[1])


sizes = {
    "httptools, no offer": asyncio.run(seen("httptools", PLAIN)),
    "httptools, offered": asyncio.run(seen("httptools", OFFER)),
    "h11, offered": asyncio.run(seen("h11", OFFER)),
}
for name, size in sizes.items():
    print(f"{name}: {size}")
sys.exit(0 if list(sizes.values()) == [1000, 0, 1000] else 1)
PY
venv/bin/python told.py
