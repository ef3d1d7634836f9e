"""The ways to a file: natively, through each peer's mount, through farside.

A peer is begun anew for every cell (a new mount, a new session: nothing cached on our side) and
ended after it. `root` is where the workload finds the directory, `prefix` what is put before its
command, `client()` and `server()` the processes on either side.
"""
import json
import os
import shutil
import socket
import subprocess
import threading

from harness import processes

SFTP_SERVER = '/usr/lib/openssh/sftp-server'


class Place:
    """Directories and programs of one run."""

    def __init__(self, scratch, build):
        self.scratch = scratch
        self.build = build
        self.target = f'{scratch}/target'      # what the agent serves
        self.native = f'{self.target}/srv/bench'
        self.workload = f'{build}/bin/farside_workload'


class Link:
    """A delay link in front of a server, or, without any delay, the server itself."""

    def __init__(self, place, address, rtt_ms, bandwidth, listen=None):
        self.address = address
        self.process = None
        if rtt_ms or bandwidth:
            command = [f'{place.build}/bin/farside_delay_link', listen or '127.0.0.1:0', address,
                       '--delay-us', int(rtt_ms * 500), '--bytes-per-second', int(bandwidth * 1e6)]
            self.process = processes.start(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            port = processes.Lines(self.process.stdout).next(5)
            self.address = listen or f'127.0.0.1:{port}'

    def end(self):
        if self.process:
            processes.end(self.process)


class SshServer:
    """An sshd of our own on a loopback port, with keys made for this run; and beside it the sftp
    server on a port without encryption, as sshfs's directport wants it."""

    def __init__(self, place):
        self.folder = f'{place.scratch}/ssh'
        os.mkdir(self.folder, 0o700)
        for name in ('host', 'user'):
            subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '',
                            '-f', f'{self.folder}/{name}'], check=True, timeout=20)
        shutil.copy(f'{self.folder}/user.pub', f'{self.folder}/authorized')
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        self.address = f'127.0.0.1:{port}'
        with open(f'{self.folder}/sshd_config', 'w') as f:
            f.write(f'Port {port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\n'
                    f'AuthorizedKeysFile {self.folder}/authorized\nPidFile none\nUsePAM no\n'
                    'StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n'
                    f'PermitRootLogin prohibit-password\nSubsystem sftp {SFTP_SERVER}\n')
        if os.geteuid() == 0:
            os.makedirs('/run/sshd', mode=0o755, exist_ok=True)
        self.log = open(f'{self.folder}/log', 'w')
        self.process = processes.start(
            ['/usr/sbin/sshd', '-D', '-e', '-f', f'{self.folder}/sshd_config'], stderr=self.log)
        processes.until(lambda: listens(port), 5, 'sshd does not listen')
        self.direct = socket.create_server(('127.0.0.1', 0))
        self.direct_address = f'127.0.0.1:{self.direct.getsockname()[1]}'
        self.direct_servers = []
        threading.Thread(target=self._serve_direct, daemon=True).start()

    def _serve_direct(self):
        while True:
            try:
                client, _ = self.direct.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.direct_servers.append(
                processes.start([SFTP_SERVER], stdin=client, stdout=client))
            client.close()

    def end(self):
        self.direct.close()
        for process in [self.process, *self.direct_servers]:
            processes.end(process)
        self.log.close()


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(('127.0.0.1', port)) == 0


class Native:
    name = 'native'

    def __init__(self, context):
        self.place = context.place
        self.root = self.place.native
        self.prefix = []

    def begin(self):
        pass

    def end(self):
        pass

    def client(self, _program):
        return []

    def server(self):
        return []

    def counters(self):
        return {}


class Mount(Native):
    """A FUSE mount in the foreground, so that it is our child and ends with us."""

    def __init__(self, context):
        super().__init__(context)
        self.context = context
        self.root = f'{self.place.scratch}/mount'
        self.process = None

    def begin(self):
        os.makedirs(self.root, exist_ok=True)
        self.log = open(f'{self.place.scratch}/mount.log', 'w')
        self.process = processes.start(self.command(), stdout=self.log, stderr=self.log)
        processes.until(self._ready, 20, f'{self.name} does not mount')

    def _ready(self):
        if self.process.poll() is not None:
            with open(self.log.name) as f:
                raise processes.Failed(f'{self.name}: {f.read()[-400:]}')
        return os.path.ismount(self.root)

    def end(self):
        if os.path.ismount(self.root):
            subprocess.run(['fusermount3', '-u', '-z', self.root], timeout=20,
                           stderr=subprocess.DEVNULL)
        if self.process:
            processes.end(self.process)
            self.process = None
            self.log.close()

    def client(self, _program):
        return processes.family([self.process.pid])

    def server(self):
        ssh = self.context.ssh
        return processes.family([ssh.process.pid, *(p.pid for p in ssh.direct_servers)])


class Sshfs(Mount):
    name = 'sshfs'
    options = []
    direct = False

    def command(self):
        ssh = self.context.ssh
        link = self.context.link(ssh.direct_address if self.direct else ssh.address)
        host, port = link.rsplit(':', 1)
        how = ['-o', f'directport={port}'] if self.direct else [
            '-p', port, '-o', 'BatchMode=yes,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null',
            '-o', f'IdentityFile={ssh.folder}/user,LogLevel=ERROR', '-F', '/dev/null']
        return ['sshfs', '-f', f'{host}:{self.place.native}', self.root, *how, *self.options]


class SshfsTuned(Sshfs):
    name = 'sshfs-tuned'
    caching = ('kernel_cache,entry_timeout=3600,attr_timeout=3600,negative_timeout=3600,'
               'dcache_timeout=3600,max_read=65536,workaround=buflimit')
    options = ['-o', caching, '-o', 'Ciphers=aes128-gcm@openssh.com']

    def begin(self):
        super().begin()
        device = os.stat(self.root).st_dev
        path = f'/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb'
        with open(path, 'w') as f:
            f.write('4096')


class SshfsDirect(SshfsTuned):
    """Tuned, and without encryption: the most that sshfs can do."""
    name = 'sshfs-direct'
    options = ['-o', SshfsTuned.caching]
    direct = True


class Rclone(Mount):
    name = 'rclone'

    def command(self):
        ssh = self.context.ssh
        host, port = self.context.link(ssh.address).rsplit(':', 1)
        self.cache = f'{self.place.scratch}/rclone-cache'
        shutil.rmtree(self.cache, ignore_errors=True)
        return ['rclone', 'mount', f':sftp:{self.place.native}', self.root,
                '--config', '/dev/null', '--cache-dir', self.cache,
                '--sftp-host', host, '--sftp-port', port, '--sftp-user', user_name(),
                '--sftp-key-file', f'{ssh.folder}/user', '--sftp-disable-hashcheck',
                '--sftp-chunk-size', '255Ki', '--sftp-concurrency', '64',
                '--vfs-cache-mode', 'full', '--vfs-read-ahead', '256Mi', '--vfs-write-back', '0s',
                '--dir-cache-time', '1h', '--attr-timeout', '1h']


def user_name():
    import pwd
    return pwd.getpwuid(os.geteuid()).pw_name


class Farside(Native):
    name = 'farside'
    options = []

    def __init__(self, context):
        super().__init__(context)
        self.context = context
        self.root = '/srv/bench'
        self.agent = None
        self.own_link = None

    def begin(self):
        scratch = self.place.scratch
        listening = f'{scratch}/agent.sock'
        for name in ('agent.sock', 'link.sock', 'stats.json'):
            if os.path.lexists(f'{scratch}/{name}'):
                os.unlink(f'{scratch}/{name}')
        self.agent = processes.start(
            [f'{self.place.build}/bin/farside-agent', '--listen', f'unix:{listening}',
             '--target', f'dir/{self.place.target}'])
        processes.until(lambda: os.path.exists(listening), 5, 'the agent does not listen')
        self.own_link = Link(self.place, f'unix:{listening}', self.context.rtt_ms,
                             self.context.bandwidth, f'unix:{scratch}/link.sock')
        self.prefix = [
            f'{self.place.build}/bin/farside', 'exec', '--agent', self.own_link.address,
            '--fs-mode', 'write', '--local', f'^{self.place.build}(/|$)',
            '--local', f'^{scratch}(/|$)', f'--stats={scratch}/stats.json', *self.options, '--']

    def end(self):
        if self.own_link:
            self.own_link.end()
        if self.agent:
            processes.end(self.agent)
        self.agent = self.own_link = None

    def client(self, program):
        session = processes.child_named(program, 'farside')
        return [session] if session else []

    def server(self):
        return [self.agent.pid]

    def counters(self):
        try:
            with open(f'{self.place.scratch}/stats.json') as f:
                return json.load(f)
        except (OSError, ValueError):
            return {}


class FarsidePlain(Farside):
    """Without caches and prediction: one round trip for each call."""
    name = 'farside-plain'

    @staticmethod
    def flags(help_text):
        return [flag for flag in ('--no-cache', '--no-predict') if flag in help_text]

    def __init__(self, context):
        super().__init__(context)
        self.options = self.flags(context.exec_help)


ALL = [Native, Sshfs, SshfsTuned, SshfsDirect, Rclone, Farside, FarsidePlain]
