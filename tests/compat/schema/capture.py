#!/usr/bin/env python3
"""Records what a client and a broker say to each other: golden bytes for tests/testdata/kafka.

  capture.py --listen PORT --broker HOST:PORT --label NAME --out FILE -- COMMAND...

Stands between the two while COMMAND runs; the broker advertises PORT. Appends lines
"label api-key version request|response hex" to FILE: of each kind the longest frame up to 1000 bytes.
A request is its whole frame after the length; a response likewise, with the version of its request.
"""
import argparse
import socket
import struct
import subprocess
import sys
import threading

SIZE_MAX = 1000


class Recorder:
    def __init__(self):
        self.lock = threading.Lock()
        self.frames = {}   # (key, version, direction) -> bytes

    def add(self, key, version, direction, frame):
        with self.lock:
            best = self.frames.get((key, version, direction))
            if len(frame) <= SIZE_MAX and (best is None or len(frame) > len(best)):
                self.frames[key, version, direction] = frame


def read_frame(sock):
    """The next length-prefixed frame, or None at the end."""
    data = b""
    while len(data) < 4 or len(data) < 4 + struct.unpack(">i", data[:4])[0]:
        want = 4 - len(data) if len(data) < 4 else 4 + struct.unpack(">i", data[:4])[0] - len(data)
        more = sock.recv(want)
        if not more:
            return None
        data += more
    return data


def pump(source, target, handle):
    try:
        while (frame := read_frame(source)) is not None:
            handle(frame[4:])
            target.sendall(frame)
    except OSError:
        pass
    for sock in (source, target):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, address, recorder):
    broker = socket.create_connection(address)
    waiting = {}

    def request(frame):
        key, version, correlation = struct.unpack(">hhi", frame[:8])
        waiting[correlation] = (key, version)
        recorder.add(key, version, "request", frame)

    def response(frame):
        known = waiting.pop(struct.unpack(">i", frame[:4])[0], None)
        if known:
            recorder.add(*known, "response", frame)

    threading.Thread(target=pump, args=(client, broker, request), daemon=True).start()
    threading.Thread(target=pump, args=(broker, client, response), daemon=True).start()


def accept(listener, address, recorder):
    while True:
        client, _ = listener.accept()
        serve(client, address, recorder)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", type=int, required=True)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    host, _, port = args.broker.partition(":")
    listener = socket.create_server(("127.0.0.1", args.listen))
    recorder = Recorder()
    threading.Thread(target=accept, args=(listener, (host, int(port)), recorder), daemon=True).start()
    status = subprocess.run(args.command, check=False).returncode
    with recorder.lock, open(args.out, "a", encoding="utf-8") as out:
        for (key, version, direction), frame in sorted(recorder.frames.items()):
            out.write(f"{args.label} {key} {version} {direction} {frame.hex()}\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
