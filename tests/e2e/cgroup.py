"""A memory cgroup below the one that the test runs in: what is in it gets the kernel's OOM killer."""

import os
import time

V1 = "/sys/fs/cgroup/memory"


def _parent():
    """(folder of this process' memory cgroup, whether it is of version 1), or None."""
    with open("/proc/self/cgroup") as f:
        for line in f:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            if "memory" in controllers.split(","):
                return V1 + path, True
            unified = "/sys/fs/cgroup" + path
            if not controllers and os.path.exists(unified + "/cgroup.subtree_control"):
                with open(unified + "/cgroup.subtree_control") as subtree:
                    if "memory" in subtree.read().split():
                        return unified, False
    return None


def unavailable():
    """Why no cgroup can be made, or None."""
    parent = _parent()
    if parent is None:
        return "no memory cgroup here hands its controller on"
    if not os.access(parent[0], os.W_OK):
        return "no right to make a memory cgroup (run as root)"
    return None


class Memory:
    """Exists while its block runs. It ends with every process in it gone."""

    def __init__(self, name):
        parent, self.v1 = _parent()
        self.path = os.path.join(parent, name)

    def __enter__(self):
        os.mkdir(self.path)
        return self

    def __exit__(self, *_):
        for _ in range(100):
            try:
                return os.rmdir(self.path)
            except OSError:  # the kernel lets go of the process a moment later
                time.sleep(0.05)
        raise AssertionError("cannot remove " + self.path)

    def _write(self, name, value):
        with open(os.path.join(self.path, name), "w") as f:
            f.write(str(value))

    def move(self, pid):
        self._write("cgroup.procs", pid)

    def limit(self, size):
        """Counts from here on: what was taken before stays with the old group."""
        self._write("memory.limit_in_bytes" if self.v1 else "memory.max", size)

    def oom_kills(self):
        with open(os.path.join(self.path, "memory.oom_control" if self.v1 else "memory.events")) as f:
            return sum(int(line.split()[1]) for line in f if line.startswith("oom_kill "))
