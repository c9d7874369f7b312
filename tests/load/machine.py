"""What a figure was measured on, and what processes used of it."""

import os
import platform
import statistics
import subprocess
import tempfile
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
FLUSHES = 200


def _first(path, prefix):
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(prefix):
                return line.split(":", 1)[1].strip()
    return "unknown"


def flush_us():
    """Median time of an 8 KB write with fdatasync: the price of a commit."""
    with tempfile.NamedTemporaryFile() as file:
        taken = []
        for _ in range(FLUSHES):
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            start = time.perf_counter()
            os.write(file.fileno(), b"x" * 8192)
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - start) * 1e6)
    return statistics.median(taken)


def _postgres_version():
    found = subprocess.run(
        ["sh", "-c", "ls /usr/lib/postgresql/*/bin/postgres | sort -V | tail -1"],
        capture_output=True, text=True, check=True).stdout.strip()
    return subprocess.run([found, "--version"], capture_output=True, text=True,
                          check=True).stdout.split()[2]


def description():
    """One line on cores, memory, disk and versions; never a host's name."""
    memory_gb = int(_first("/proc/meminfo", "MemTotal").split()[0]) / 1e6
    return (f"{os.cpu_count()} cores {_first('/proc/cpuinfo', 'model name')}, "
            f"{memory_gb:.0f} GB, Linux {platform.release().split('-')[0]}, "
            f"PostgreSQL {_postgres_version()}, "
            f"a flushed 8 KB write takes {flush_us():.0f} us")


def cpu_seconds(pids):
    """User and system time of the processes so far (/proc/PID/stat)."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_SECOND


def peak_rss_mb(pids):
    """The largest resident size that one of the processes ever had."""
    peaks = [int(_first(f"/proc/{pid}/status", "VmHWM").split()[0])
             for pid in pids]
    return max(peaks) / 1024


def cpu_ns(pid):
    """CPU time of a process of one thread, finer than a clock tick."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])
