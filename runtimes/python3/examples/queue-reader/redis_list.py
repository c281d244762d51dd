"""As much of Redis's protocol as a queue needs. For more, put redis into a requirements.txt."""

import socket


class RedisList:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=10)
        self.answers = self.socket.makefile('rb')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answers.close()
        self.socket.close()

    def move(self, source, target):
        """From the end of one list to the beginning of another; None when there is nothing."""
        return self.ask('RPOPLPUSH', source, target)

    def push(self, name, value):
        return self.ask('LPUSH', name, value)

    def remove(self, name, value):
        return self.ask('LREM', name, '1', value)

    def ask(self, *words):
        parts = [word.encode() for word in words]
        self.socket.sendall(b'*%d\r\n' % len(parts) + b''.join(b'$%d\r\n%s\r\n' % (len(p), p) for p in parts))
        line = self.answers.readline()
        if not line:
            raise ConnectionError('Redis closed the connection')
        kind, rest = line[:1], line[1:-2]
        if kind == b'-':
            raise RuntimeError(rest.decode())
        if kind == b'$':
            length = int(rest)
            return None if length < 0 else self.answers.read(length + 2)[:-2].decode()
        return int(rest) if kind == b':' else rest.decode()
