"""Servers that only tests and benchmarks need, unpacked from Debian packages
into the build directory: never installed, so that a developer's own mail
system is left alone and servers that conflict as packages can stand side by
side. What was unpacked once is used again without the network."""

import functools
import os
import re
import shutil
import subprocess

from . import places

SERVERS = places.BUILD / "servers"


class Unavailable(Exception):
    """The packages can't be had: no network, or not a Debian system."""


def _apt(*args, cwd=None):
    run = subprocess.run(["apt-get", "-qq", *args], cwd=cwd, text=True,
                         stdin=subprocess.DEVNULL, capture_output=True)
    return run.returncode == 0, run.stdout, run.stderr


def _with_libraries(packages):
    """The packages, and the libraries they need that this machine lacks.

    APT only plays the installation through. Of what else a package asks for
    (configuration tools, a rival's removal) nothing is wanted."""
    ok, plan, err = _apt("-s", "install", "--no-install-recommends", *packages)
    if not ok and os.geteuid() == 0:
        _apt("update")
        ok, plan, err = _apt("-s", "install", "--no-install-recommends",
                             *packages)
    if not ok:
        raise Unavailable(err.strip())
    new = re.findall(r"^Inst (\S+)", plan, re.MULTILINE)
    return list(packages) + [p for p in new if p.startswith("lib")
                             and p not in packages]


def _merge_usr(root):
    """/lib and the like of older packages go below /usr, as on the host."""
    for name in ("bin", "lib", "lib64", "sbin"):
        old = root / name
        if old.is_symlink():
            continue
        below = root / "usr" / name
        below.mkdir(parents=True, exist_ok=True)
        if old.is_dir():
            shutil.copytree(old, below, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(old)
        old.symlink_to(f"usr/{name}")


def unpack(name, *more):
    """Unpack the package name (and more ones) with the libraries it lacks into
    build/servers/NAME; returns that directory, which looks like a root."""
    root = SERVERS / name
    if (root / ".complete").exists():
        return root
    part = SERVERS / f"{name}.part.{os.getpid()}"
    debs = part / "debs"
    debs.mkdir(parents=True)
    try:
        ok, _, err = _apt("download", *_with_libraries([name, *more]), cwd=debs)
        if not ok:
            raise Unavailable(err.strip())
        for deb in sorted(debs.glob("*.deb")):
            subprocess.run(["dpkg", "-x", deb, part / "root"], check=True)
        _merge_usr(part / "root")
        (part / "root/.complete").touch()
        shutil.rmtree(root, ignore_errors=True)
        (part / "root").rename(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return root


def _library_dirs(root):
    found = {lib.parent for lib in root.glob("usr/lib/**/*.so*")}
    return sorted(str(d) for d in found)


def environment(root):
    """The environment in which an unpacked program finds its libraries."""
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(_library_dirs(root))}


def _needs(program, env):
    run = subprocess.run(["ldd", program], env=env, text=True,
                         capture_output=True)
    return re.findall(r"(?:=> |^\s*)(/\S+) \(0x", run.stdout, re.MULTILINE)


@functools.cache
def _libraries(unpacked):
    """All that its programs need, found once a run."""
    env = environment(unpacked)
    programs = [p for p in unpacked.glob("usr/**/*") if p.is_file()
                and not p.is_symlink() and p.read_bytes()[:4] == b"\x7fELF"]
    return {n for p in programs for n in _needs(p, env)}


def make_root(unpacked, root):
    """Copy an unpacked package to root, with every library its programs need,
    so that it can be run with chroot(2): for servers that have their paths
    compiled in. Needs no mount, and leaves the host's /etc alone."""
    shutil.copytree(unpacked, root, symlinks=True, dirs_exist_ok=True)
    for library in _libraries(unpacked):
        inside = library.removeprefix(str(unpacked))
        if not (root / inside[1:]).exists():
            (root / inside[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, root / inside[1:])
    _make_etc(root)
    _make_devices(root)
    return root


def _make_etc(root):
    etc = root / "etc"
    etc.mkdir(exist_ok=True)
    for name in ("hosts", "resolv.conf", "services", "localtime"):
        if os.path.exists(f"/etc/{name}"):
            shutil.copy(f"/etc/{name}", etc / name)
    (etc / "nsswitch.conf").write_text(
        "passwd: files\ngroup: files\nhosts: files dns\n")
    (etc / "passwd").write_text(
        "root:x:0:0::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n")
    (etc / "group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)


def _make_devices(root):
    (root / "dev").mkdir(exist_ok=True)
    for name in ("null", "zero", "random", "urandom"):
        node = root / "dev" / name
        if not node.exists():
            os.mknod(node, 0o20666, os.stat(f"/dev/{name}").st_rdev)
            node.chmod(0o666)
