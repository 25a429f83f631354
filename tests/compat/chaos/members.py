"""The members of one group as processes, and what is done to them."""

import math
import signal
import subprocess
import threading
import time

MEMBERS = 3
LEAVING_SECONDS = 40
STARTING_SECONDS_MAX = 40


class Slot:
    """One of a group's members: a process, and after its end the next one, each with a journal of its own."""

    def __init__(self, words, group, index, directory):
        self.words, self.group, self.index, self.directory = words, group, index, directory
        self.process, self.incarnation, self.surprises = None, 0, []
        self.journal, self.began = None, 0.0

    def start(self, bootstrap, topic, protocol):
        self.incarnation += 1
        self.journal = self.directory / f"{self.group}-{self.index}-{self.incarnation}.journal"
        self.began = time.monotonic()
        with open(self.journal.with_suffix(".errors"), "wb") as errors:
            self.process = subprocess.Popen(self.words + [bootstrap, topic, self.group, str(self.journal), protocol], stdin=subprocess.DEVNULL,
                                            stdout=errors, stderr=errors)

    def takes_part(self):
        """Whether it has been given partitions, or had the time for that: on a busy machine a JVM is long in coming."""
        if time.monotonic() - self.began > STARTING_SECONDS_MAX:
            return True
        if not self.journal.exists():
            return False
        with open(self.journal, "rb") as journal:
            return b"\tassigned\t" in journal.read(4096)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def leave(self):
        """SIGTERM; a member that does not leave is killed and that is said."""
        self.process.terminate()
        try:
            code = self.process.wait(LEAVING_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self.surprises.append(f"member {self.index} did not leave in {LEAVING_SECONDS} s")
        else:
            # The JVM tells the signal that ended it.
            if code not in (0, 128 + signal.SIGTERM):
                self.surprises.append(f"member {self.index} left with exit code {code}")


class Chaos(threading.Thread):
    """Starts a group's members and every few seconds kills, pauses or restarts one, until stop()."""

    def __init__(self, kind, words, protocol, work, draw, where):
        super().__init__(daemon=True)
        self.kind, self.protocol, self.draw, self.where = kind, protocol, draw, where
        self.group = f"group-{kind}"
        self.directory = work / self.group
        self.directory.mkdir()
        self.slots = [Slot(words, self.group, index, self.directory) for index in range(MEMBERS)]
        self.done = {"kill": 0, "pause": 0, "long pause": 0, "restart": 0}
        self.out = {}  # {slot: (until when it is out, what brings it back)}
        self.ended_alone = 0
        self.stopping = threading.Event()

    def begin(self, slot):
        slot.start(*self.where, self.protocol)

    def run(self):
        for slot in self.slots:
            self.begin(slot)
        self.stopping.wait(8)
        following = time.monotonic()
        while not self.stopping.wait(0.1):
            self.end_what_is_over(time.monotonic())
            free = [slot for slot in self.slots if slot not in self.out]
            # One member at least is left alone.
            if time.monotonic() >= following and len(free) > 1:
                self.revive(free)
                ready = [slot for slot in free if slot.takes_part()]
                if ready:
                    self.act(self.draw.choice(ready), self.draw.choice(list(self.done)))
                following = time.monotonic() + self.draw.uniform(2, 6)
        self.end_what_is_over(math.inf)

    def act(self, slot, what):
        """Takes a member out; `out` tells until when, and what ends it."""
        self.done[what] += 1
        seconds = self.draw.choice((0, 1, 4))
        if what == "kill":
            slot.kill()
        elif what == "restart":
            slot.leave()
        else:
            slot.process.send_signal(signal.SIGSTOP)
            # The session is 6 s, the rebalance timeout 15 s.
            seconds = self.draw.uniform(0.5, 4) if what == "pause" else self.draw.choice((8, 12, 18))
        self.out[slot] = (time.monotonic() + seconds, lambda: self.begin(slot) if slot.process.poll() is not None else
                          slot.process.send_signal(signal.SIGCONT))

    def end_what_is_over(self, now):
        for slot, (until, back) in list(self.out.items()):
            if now >= until:
                back()
                del self.out[slot]

    def revive(self, slots):
        """A client may give up and end: whoever runs it starts it again."""
        for slot in slots:
            if not slot.alive():
                self.ended_alone += 1
                self.begin(slot)

    def stop(self):
        self.stopping.set()
        self.join(60)

    def leave(self):
        leaving = [threading.Thread(target=slot.leave) for slot in self.slots if slot.alive()]
        for each in leaving:
            each.start()
        for each in leaving:
            each.join()

    def end(self):
        """Whatever still runs, at once."""
        self.stopping.set()
        self.join(60)
        for slot in self.slots:
            if slot.alive():
                slot.kill()

    def surprises(self):
        return [each for slot in self.slots for each in slot.surprises]

    def journals(self):
        return list(self.directory.glob("*.journal"))

    def last_errors(self):
        """The end of what the newest members printed."""
        newest = sorted(self.directory.glob("*.errors"), key=lambda path: path.stat().st_mtime)[-MEMBERS:]
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-1200:]}" for path in newest)


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True
