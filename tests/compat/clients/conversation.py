"""One client program and what is said to it: a command, its lines, a dot; it replies with lines and a dot (README.md)."""

import subprocess
import threading
import time

SILENCE_SECONDS_MAX = 120  # a client that says nothing for so long hangs


class Failed(Exception):
    """The client said that it failed, ended, or said nothing any more."""


class Conversation:
    """Runs the program for the time of a `with`; its stderr goes to a file."""

    def __init__(self, words, errors_path):
        with open(errors_path, "ab") as errors:
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8")
        self.heard, self.over = time.monotonic(), threading.Event()
        threading.Thread(target=self.watch, daemon=True).start()
        self.hello = self.reply().split("\t")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.over.set()
        if kind is None:
            self.process.stdin.close()
        else:
            self.process.kill()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if kind is None and code != 0:
            raise Failed(f"the client ended with exit code {code}")

    def watch(self):
        """Kills a client that says nothing for too long."""
        while not self.over.wait(1):
            if time.monotonic() - self.heard > SILENCE_SECONDS_MAX:
                self.process.kill()
                return

    def reply(self):
        """The next line."""
        line = self.process.stdout.readline()
        self.heard = time.monotonic()
        if not line:
            raise Failed(f"the client said nothing more (exit code {self.process.wait(30)}; killed if it was silent for {SILENCE_SECONDS_MAX} s)")
        return line.rstrip("\n")

    def tell(self, lines):
        try:
            for start in range(0, len(lines), 500):
                self.process.stdin.write("".join(line + "\n" for line in lines[start : start + 500]))
            self.process.stdin.write(".\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it ended: whoever waits for its replies sees that

    def ask(self, *words, lines=None, on_reply=None, halfway=None, interrupt=None):
        """Gives a command and takes its replies; calls `interrupt` once `halfway` of them have come."""
        self.heard = time.monotonic()
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        writer = None
        if lines is not None:
            writer = threading.Thread(target=self.tell, args=(lines,), daemon=True)
            writer.start()
        count = 0
        while (line := self.reply()) != ".":
            if line.startswith("error\t"):
                raise Failed(f"{words[0]}: the client reports {line[6:]}")
            on_reply(line)
            count += 1
            if count == halfway:
                interrupt()
        if writer is not None:
            writer.join()
        if halfway is not None and count < halfway:
            raise Failed(f"{words[0]}: only {count} replies, so nothing was killed")
