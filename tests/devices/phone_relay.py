"""The cable of a phone: passes bytes between the server of adb and adbd, until it is told to cut, swallow or hold them.

Arguments: the port to listen on and adbd's port. Each line of standard input is a command, answered by "ok":
`open`, `unplug`, `mute` (connections are accepted, and nothing is passed), `stall` (connections stay, and nothing is
passed any more), and what happens when N further bytes have gone to the phone: `cut N` (unplug), `hold N` (stall) and
`garble N` (the next byte arrives changed).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

CHUNK_BYTES = 16384


class Relay:
    """`bytes_left` are those that still go to the phone before `event` ("cut", "hold", "garble"), None without one."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        self.server: asyncio.Server | None = None
        self.writers: set[asyncio.StreamWriter] = set()
        self.bytes_left: int | None = None
        self.event = ""
        self.passing = asyncio.Event()

    async def open(self) -> None:
        self.bytes_left = None
        self.passing.set()
        if self.server is None:
            self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)

    async def unplug(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None
        self.close_connections()
        # a reset, as a cable that is pulled: what was on its way is lost
        await asyncio.sleep(0)

    async def mute(self) -> None:
        await self.unplug()
        await self.open()
        self.passing.clear()

    async def stall(self) -> None:
        self.passing.clear()

    def close_connections(self) -> None:
        for writer in list(self.writers):
            writer.transport.abort()
        self.writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            phone_reader, phone_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self.writers.add(phone_writer)
        await asyncio.gather(
            self.pass_bytes(reader, phone_writer, to_phone=True),
            self.pass_bytes(phone_reader, writer, to_phone=False),
        )
        self.writers -= {writer, phone_writer}

    async def send(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        writer.write(chunk)
        await writer.drain()

    async def pass_bytes(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, to_phone: bool) -> None:
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await self.passing.wait()
                if to_phone and self.bytes_left is not None and len(chunk) > self.bytes_left:
                    place, self.bytes_left = self.bytes_left, None
                    if self.event == "garble":
                        chunk = chunk[:place] + bytes([chunk[place] ^ 1]) + chunk[place + 1 :]
                    else:
                        await self.send(writer, chunk[:place])
                        await (self.unplug() if self.event == "cut" else self.stall())
                        await self.passing.wait()
                        chunk = chunk[place:]
                elif to_phone and self.bytes_left is not None:
                    self.bytes_left -= len(chunk)
                await self.send(writer, chunk)
        except OSError:
            pass
        writer.transport.abort()


async def main() -> None:
    relay = Relay(int(sys.argv[1]), int(sys.argv[2]))
    commands: dict[str, Callable[[], Awaitable[None]]] = {
        "open": relay.open,
        "unplug": relay.unplug,
        "mute": relay.mute,
        "stall": relay.stall,
    }
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().split():
        if len(line) > 1:
            relay.event, relay.bytes_left = line[0], int(line[1])
        else:
            await commands[line[0]]()
        print("ok", flush=True)


asyncio.run(main())
