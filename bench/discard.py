"""An aiohttp handler that reads an upload and keeps nothing: what merely receiving costs."""

import socket

from aiohttp import BodyPartReader, web


async def discard(request: web.Request) -> web.Response:
    """Read every part to its end."""
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        assert isinstance(part, BodyPartReader)
        while await part.read_chunk(256 * 1024):
            pass
    return web.Response(text="gone\n")


def main() -> None:
    """Listen on a free port of loopback, and say which."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = web.Application()
    app.add_routes([web.post("/", discard)])
    # Whoever connects from now on waits in the socket's queue until the handler runs.
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
    web.run_app(app, sock=listener, access_log=None, print=None)


if __name__ == "__main__":
    main()
