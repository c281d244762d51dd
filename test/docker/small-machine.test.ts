import { beforeAll, describe, expect, test } from 'vitest'
import { describeWithDocker } from '../support/docker-gate.ts'
import { dockerWorkers, type FunctionWorker, runtimeFolders } from '../support/docker-workers.ts'
import { mib } from '../support/fake-workers-pool.ts'
import { waitUntil } from '../support/wait-until.ts'

/** A worker feels like a small, ordinary Linux machine: what programs take for granted is there, from inside real containers. */

describeWithDocker('A worker', () => {
  const workers = dockerWorkers()

  describe.each(runtimeFolders())('of the runtime %s', (runtime) => {
    let it: FunctionWorker
    beforeAll(async () => {
      it = await workers().shared(runtime, { network: 'none' })
    })

    test('runs programs and loads libraries from /tmp', async () => {
      const script =
        'cp /bin/echo /tmp/tool && /tmp/tool ran; printf "#!/bin/sh\\necho script" > /tmp/s && chmod +x /tmp/s && /tmp/s'
      expect(await it.run('sh', '-c', script)).toMatchObject({ stdout: 'ran\nscript\n' })
      const library = 'cp $(ls /lib/*/libm.so.6 | head -1) /tmp/libm.so.6 && LD_PRELOAD=/tmp/libm.so.6 /bin/echo loaded'
      expect(await it.run('sh', '-c', library)).toMatchObject({ stdout: 'loaded\n', stderr: '' })
    })

    test('has a user with a name and a home', async () => {
      expect(await it.run('id', '-un')).toMatchObject({ code: 0, stdout: 'function\n' })
      expect(await it.run('id', '-gn')).toMatchObject({ code: 0, stdout: 'function\n' })
      const { stdout } = await it.run(
        'sh',
        '-c',
        'getent passwd "$(id -u)" | cut -d: -f6; echo "$HOME $USER $LANG"; cd ~ && pwd',
      )
      expect(stdout).toBe('/tmp\n/tmp function C.UTF-8\n/tmp\n')
    })

    test('knows localhost without a network', async () => {
      expect((await it.run('getent', 'hosts', 'localhost')).stdout).toMatch(/^(::1|127\.0\.0\.1)\s+localhost/)
      await expect(it.ask({ do: 'connect', host: 'localhost', port: 9 })).rejects.toThrow(/refused|Aggregate/i)
    })

    test('reaps processes that nobody waits for', async () => {
      for (let n = 0; n < 5; n++) await it.run('sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.01 &) ; done')
      const zombies = async () =>
        Number((await it.run('sh', '-c', "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' || true")).stdout)
      await waitUntil('no zombies are left', async () => (await zombies()) === 0)
      expect((await it.run('sh', '-c', 'echo hi | tr a-z A-Z')).stdout).toBe('HI\n')
    })

    test('that kills itself is gone', async () => {
      await using one = await workers().bound(runtime, { network: 'none' })
      const outcome = await one.call({ do: 'run', argv: ['sh', '-c', 'kill -9 $PPID; sleep 5'] })
      expect(outcome).toMatchObject({ kind: 'killed', error: { type: 'FunctionExit', message: /code 137/ } })
      await one.worker.gone
    })
  })

  describe('that is not needed any more', () => {
    const python = `
import os, signal, sys, time
def flush(*_):
    time.sleep(0.2)
    print('flushed')
    sys.stdout.flush()
    open('/dev/shm/x', 'w').close()
    os._exit(7)
def main(event, context):
    signal.signal(signal.SIGTERM, flush if event == 'flush' else lambda *_: time.sleep(30))
    return 'ready'
`
    const patient = dockerWorkers({ stopGraceMs: 60_000 })
    beforeAll(() => {
      for (const one of [workers(), patient()]) one.storeCode('flushes', 'python3', { 'flushes.py': python })
    })
    const start = (of = workers()) =>
      of.bound('python3', { packageHash: 'flushes', entry: 'flushes.main', network: 'none' })

    test('is told, and ends when its function has put away what it holds', async () => {
      const one = await start(patient())
      expect(await one.ask('flush')).toBe('ready')
      const startedAt = performance.now()
      await one.worker.kill()
      const tookMs = performance.now() - startedAt
      expect(tookMs).toBeGreaterThan(200)
      expect(tookMs, 'it has a minute').toBeLessThan(50_000)
    })

    test('is killed when it does not', async () => {
      const one = await start()
      expect(await one.ask('wait')).toBe('ready')
      const startedAt = performance.now()
      await one.worker.kill()
      expect(performance.now() - startedAt).toBeGreaterThan(1900)
      expect(await workers().inspect(one.name)).toBeNull()
    })
  })
})

describeWithDocker('The system calls of a worker', () => {
  const workers = dockerWorkers()
  const python = `
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    got = libc.syscall(number, *args)
    return 'ok' if got >= 0 else errno.errorcode[ctypes.get_errno()]
def opened(family, kind, protocol=0):
    try:
        socket.socket(family, kind, protocol).close()
        return 'ok'
    except OSError as error:
        return errno.errorcode[error.errno]
def main(event, context):
    size = ctypes.c_ulong(0)
    params = (ctypes.c_char * 120)()
    return {
        'io_uring_setup': call(425, 4, params), 'io_setup': call(206, 4, ctypes.byref(size)), 'userfaultfd': call(323, 0),
        'unshare': call(272, 0x10000000), 'keyctl': call(250, 0, -3, 0), 'bpf': call(321, 0, params, 120), 'ptrace': call(101, 0, 0, 0, 0),
        'perf_event_open': call(298, params, 0, -1, -1, 0), 'clone3': call(435, params, 64), 'mount': call(165, b'none', b'/tmp', b'tmpfs', 0, 0),
        'process_vm_readv': call(310, os.getpid(), 0, 0, 0, 0, 0), 'memfd_create': call(319, b'x', 0),
        'vsock': opened(40, socket.SOCK_STREAM), 'netfilter': opened(16, socket.SOCK_RAW, 12), 'audit': opened(16, socket.SOCK_RAW, 9),
        'alg': opened(38, socket.SOCK_SEQPACKET), 'packet': opened(17, socket.SOCK_RAW), 'route': opened(16, socket.SOCK_RAW, 0),
        'unix': opened(socket.AF_UNIX, socket.SOCK_STREAM), 'tcp': opened(socket.AF_INET, socket.SOCK_STREAM),
        'tcp6': opened(socket.AF_INET6, socket.SOCK_STREAM), 'udp': opened(socket.AF_INET, socket.SOCK_DGRAM),
    }
`

  test('are those of an ordinary program; io_uring, AIO, namespaces, tracing and odd sockets are closed', async () => {
    workers().storeCode('calls', 'python3', { 'calls.py': python })
    await using it = await workers().bound('python3', {
      packageHash: 'calls',
      entry: 'calls.main',
      memoryBytes: 128 * mib,
    })
    const closed = 'EPERM'
    expect(await it.ask(null)).toEqual({
      ...{
        io_uring_setup: closed,
        io_setup: closed,
        userfaultfd: closed,
        unshare: closed,
        keyctl: closed,
        bpf: closed,
      },
      ...{ ptrace: closed, perf_event_open: closed, clone3: 'ENOSYS', mount: closed, process_vm_readv: closed },
      ...{ vsock: closed, netfilter: closed, audit: closed, alg: closed, packet: closed },
      ...{ memfd_create: 'ok', route: 'ok', unix: 'ok', tcp: 'ok', tcp6: 'ok', udp: 'ok' },
    })
  })
})
