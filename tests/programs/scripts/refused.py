# What is refused on remote files: each row makes a system call and says which errno must come back.
# Run as: refused.py REMOTE LOCAL; prints a line for every row that came out otherwise.
import ctypes
import errno
import os
import socket
import struct
import sys

remote, local = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100


def call(number, *arguments):
    converted = [ctypes.c_char_p(os.fsencode(a)) if isinstance(a, str) else a for a in arguments]
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in converted]
    result = libc.syscall(ctypes.c_long(number), *converted)
    return result if result >= 0 else -ctypes.get_errno()


def of(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return -error.errno
    return 0


os.makedirs(remote + "/dir", exist_ok=True)
os.makedirs(local + "/dir", exist_ok=True)
for base in remote, local:
    with open(base + "/file", "w") as file:
        file.write("content")
file = os.open(remote + "/file", os.O_RDWR)
directory = os.open(remote + "/dir", os.O_RDONLY)
there = remote + "/file"
room = ctypes.create_string_buffer(4096)
stream = socket.socket(socket.AF_UNIX)
datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
here_socket = socket.socket(socket.AF_UNIX)
here_socket.bind(local + "/socket")
here_socket.listen()
os.mknod(remote + "/socket", 0o140644)
event = ctypes.create_string_buffer(64)


def aio(fd):
    context = ctypes.c_ulong(0)
    if (made := call(206, 4, ctypes.byref(context))) < 0:
        return made
    # struct iocb: data, key, flags, operation (pread), priority, descriptor, buffer, bytes, ...
    request = ctypes.create_string_buffer(
        struct.pack("QIiHhIQQqQII", 0, 0, 0, 0, 0, fd, ctypes.addressof(room), 4, 0, 0, 0, 0)
    )
    pointers = (ctypes.c_void_p * 1)(ctypes.addressof(request))
    result = call(209, context.value, 1, pointers)
    call(207, context.value)
    return result


def pin(path):
    name = ctypes.create_string_buffer(os.fsencode(path))
    attributes = ctypes.create_string_buffer(struct.pack("QIIiI", ctypes.addressof(name), 0, 0, 0, 0))
    return call(321, 7, attributes, 24)


def sendmmsg(path):
    address = ctypes.create_string_buffer(struct.pack("H", 1) + os.fsencode(path) + b"\0")
    message = ctypes.create_string_buffer(
        struct.pack("QIIQQQQiiIi", ctypes.addressof(address), len(address) - 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    )
    return call(307, datagrams.fileno(), message, 1, 0)


def unshared(flags):
    import threading

    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    result = call(272, flags)
    done.set()
    other.join()
    return result


E = errno
rows = [
    ("refused.connect", lambda: of(stream.connect, remote + "/socket"), E.ENXIO),
    ("refused.connect to none", lambda: of(stream.connect, remote + "/none"), E.ENXIO),
    ("refused.connect locally", lambda: of(stream.connect, local + "/socket"), 0),
    ("refused.sendto", lambda: of(datagrams.sendto, b"x", remote + "/socket"), E.ENXIO),
    ("refused.sendmsg", lambda: of(datagrams.sendmsg, [b"x"], [], 0, remote + "/socket"), E.ENXIO),
    ("refused.sendmmsg", lambda: sendmmsg(remote + "/socket"), E.ENXIO),
    ("refused.bind", lambda: of(datagrams.bind, remote + "/mine"), E.EPERM),
    ("refused.bind locally", lambda: of(datagrams.bind, local + "/mine"), 0),
    ("refused.uselib", lambda: call(134, there), E.ENOSYS),
    ("refused.ustat", lambda: call(136, os.stat(there).st_dev, room), E.ENOSYS),
    ("refused.pivot_root", lambda: call(155, remote + "/dir", remote + "/dir"), E.EPERM),
    ("refused.prctl", lambda: call(157, 35, 13, file, 0, 0), E.EACCES),
    ("refused.chroot", lambda: of(os.chroot, remote + "/dir"), E.EPERM),
    ("refused.chroot locally", lambda: of(os.chroot, local + "/dir"), E.EPERM),
    ("refused.chroot of none", lambda: of(os.chroot, local + "/none"), E.ENOENT),
    ("refused.chroot of a file", lambda: of(os.chroot, local + "/file"), E.ENOTDIR),
    ("refused.acct", lambda: call(163, there), E.EPERM),
    ("refused.mount", lambda: call(165, "none", remote + "/dir", "tmpfs", 0, 0), E.EPERM),
    ("refused.mount of", lambda: call(165, remote + "/dir", local + "/dir", 0, 4096, 0), E.EPERM),
    ("refused.umount2", lambda: call(166, remote + "/dir", 0), E.EPERM),
    ("refused.swapon", lambda: call(167, there, 0), E.EPERM),
    ("refused.swapoff", lambda: call(168, there), E.EPERM),
    ("refused.quotactl", lambda: call(179, 0x80000700, there, 0, room), E.EPERM),
    ("refused.io_submit", lambda: aio(file), E.EINVAL),
    ("refused.kexec_file_load", lambda: call(320, file, file, 0, 0, 0), E.EPERM),
    ("refused.fanotify_mark", lambda: call(301, 0, 1, 2, AT_FDCWD, there), E.EOPNOTSUPP),
    ("refused.fanotify_mark of a descriptor", lambda: call(301, 0, 1, 2, file, 0), E.EOPNOTSUPP),
    ("refused.unshare", lambda: unshared(0x200), E.EPERM),
    ("refused.unshare of descriptors", lambda: unshared(0x400), 0),
    ("refused.perf_event_open", lambda: call(298, room, directory, 0, -1, 4), E.EBADF),
    ("refused.name_to_handle_at", lambda: call(303, AT_FDCWD, there, room, room, 0), E.EOPNOTSUPP),
    ("refused.name_to_handle_at of a descriptor", lambda: call(303, file, "", room, room, 0x1000), E.EOPNOTSUPP),
    ("refused.open_by_handle_at", lambda: call(304, file, room, 0), E.ESTALE),
    ("refused.setns", lambda: call(308, os.open("/proc/self/ns/mnt", os.O_RDONLY), 0), E.EPERM),
    ("refused.setns with a file", lambda: call(308, file, 0), E.EINVAL),
    ("refused.finit_module", lambda: call(313, file, "", 0), E.EPERM),
    ("refused.bpf", lambda: pin(there), E.EPERM),
    ("refused.io_uring_setup", lambda: call(425, 8, room), E.ENOSYS),
    ("refused.open_tree", lambda: call(428, AT_FDCWD, there, 0), E.EPERM),
    ("refused.move_mount", lambda: call(429, AT_FDCWD, local + "/dir", AT_FDCWD, remote + "/dir", 0), E.EPERM),
    ("refused.fsconfig", lambda: call(431, 0, 1, "source", there, 0), E.EPERM),
    ("refused.fspick", lambda: call(433, AT_FDCWD, remote + "/dir", 0), E.EPERM),
    ("refused.mount_setattr", lambda: call(442, AT_FDCWD, remote + "/dir", 0, room, 32), E.EPERM),
    ("refused.quotactl_fd", lambda: call(443, file, 0x80000700, 0, room), E.ENOSYS),
    ("refused.landlock_create_ruleset", lambda: call(444, 0, 0, 1), E.EOPNOTSUPP),
    ("refused.cachestat", lambda: call(451, file, room, room, 0), E.EOPNOTSUPP),
]
for name, made, expected in rows:
    result = made()
    if (expected == 0 and result < 0) or (expected != 0 and result != -expected):
        print(name, "->", E.errorcode.get(-result, result), "not", E.errorcode.get(expected, "done"))
print(len(rows), "calls made")
