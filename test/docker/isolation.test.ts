import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import { describeWithDocker } from '../support/docker-gate.ts'
import { builtImages, docker } from '../support/docker-images.ts'
import { dockerWorkers, type FunctionWorker, runtimeFolders, startRaw } from '../support/docker-workers.ts'
import { mib } from '../support/fake-workers-pool.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Design 6, item by item, from inside real containers: what a function tries, and what it meets. */

const runtimes = runtimeFolders()
const watchesPerUser = Number(readFileSync('/proc/sys/fs/inotify/max_user_instances', 'utf8'))
const [pidsLimit, openFilesLimit, tmpSizeMb] = [64, 256, 16]

describeWithDocker('A function in its container', () => {
  const workers = dockerWorkers({ pidsLimit, openFilesLimit, tmpSizeMb })

  describe.each(runtimes)('of the runtime %s', (runtime) => {
    let it: FunctionWorker
    beforeAll(async () => {
      it = await workers().shared(runtime, { network: 'none', env: { SECRET: 'seen-by-nobody-else' } })
    })

    test.each([
      ...['/x', '/etc/x', '/usr/bin/x', '/usr/lib/x', '/opt/taibai/x', '/var/tmp/x', '/var/lib/x', '/run/x', '/home/x'],
      ...['/root/x', '/dev/x', '/proc/x', '/sys/x', '/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger'],
    ])('cannot write %s', async (path) => {
      await expect(it.ask({ do: 'write', path, bytes: 1 })).rejects.toThrow(refused)
    })

    test('cannot change its own code, add to it, or touch its socket', async () => {
      for (const path of ['/taibai/x', '/taibai/code/x', '/taibai/code/main.mjs', '/taibai/worker.sock']) {
        await expect(it.ask({ do: 'write', path, bytes: 1 })).rejects.toThrow(refused)
      }
      expect(await it.run('rm', '/taibai/worker.sock')).toMatchObject({ code: 1 })
      expect(await it.run('sh', '-c', 'chmod 777 /taibai')).toMatchObject({ code: 1 })
    })

    test('cannot change its shim, nor the language that runs it', async () => {
      const { command } = workers().manifest(runtime)
      const language = (await it.run('sh', '-c', `readlink -f "$(command -v ${command[0]})"`)).stdout.trim()
      for (const path of [language, command.at(-1)]) {
        await expect(it.ask({ do: 'write', path, bytes: 1 })).rejects.toThrow(refused)
      }
    })

    test('can write below /tmp, in shared memory and where its secrets are, and nowhere else', async () => {
      const search =
        'find / -xdev -writable ! -type l; for at in /dev /dev/* /tmp /run /taibai; do test -w $at && test -d $at && ! test -L $at && echo $at; done'
      const { stdout } = await it.run('sh', '-c', `(${search}) 2>/dev/null | grep -v '^/proc/'`)
      const places = new Set(stdout.split('\n').filter((path) => path !== ''))
      expect([...places].sort()).toEqual(['/dev/mqueue', '/dev/shm', '/run/secrets', '/tmp'])
      const mounts = (await it.read('/proc/self/mounts')).split('\n').map((line) => line.split(' '))
      for (const place of places) {
        const options = mounts.find(([, at]) => at === place)?.[3]?.split(',')
        expect(options, place).toEqual(expect.arrayContaining(['nosuid', 'nodev']))
      }
    })

    test('has no capability, may gain none, is not root, and its system calls are filtered', async () => {
      const status = fieldsOf(await it.read('/proc/self/status'))
      expect(status).toMatchObject({ NoNewPrivs: '1', Seccomp: '2' })
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
        expect(status[set], set).toMatch(/^0+$/)
      }
      for (const id of [...words(status.Uid), ...words(status.Gid), ...words(status.Groups)])
        expect(Number(id)).toBeGreaterThan(0)
    })

    test('cannot mount, change its user, nor look into the kernel', async () => {
      expect((await it.run('mount', '-t', 'tmpfs', 'none', '/tmp')).code).not.toBe(0)
      expect((await it.run('setpriv', '--reuid', '0', 'id')).code).not.toBe(0)
      expect((await it.run('unshare', '--user', '--map-root-user', 'id')).code).not.toBe(0)
      expect((await it.run('dmesg')).code).not.toBe(0)
    })

    test('sees the processes of its own container only', async () => {
      const pids = (await it.ask<string[]>({ do: 'list', path: '/proc' })).filter((name) => /^\d+$/.test(name))
      expect(pids).toContain('1')
      expect(pids.length).toBeLessThan(6)
    })

    test('writes below /tmp until that is full, and has it for itself again when it removes what is there', async () => {
      const fill = (bytes: number) => it.ask({ do: 'write', path: '/tmp/filled', bytes })
      await expect(fill((tmpSizeMb + 4) * mib)).rejects.toThrow(/ENOSPC|No space left/)
      await it.run('rm', '/tmp/filled')
      expect(await fill((tmpSizeMb - 4) * mib)).toBe((tmpSizeMb - 4) * mib)
      await it.run('rm', '/tmp/filled')
    })

    test('opens a limited number of files, and leaves no core', async () => {
      const limits = await it.read('/proc/self/limits')
      expect(limits).toMatch(new RegExp(`^Max open files +${openFilesLimit} +${openFilesLimit} `, 'm'))
      expect(limits).toMatch(/^Max core file size +0 +0 /m)
    })

    test('finds no engine to ask', async () => {
      for (const path of ['/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock']) {
        await expect(it.ask({ do: 'read', path })).rejects.toThrow(/ENOENT|No such file/)
      }
    })

    test('sees in /taibai its own code and the pipes of its output, with no way in for a second connection, and nothing else of the host', async () => {
      expect(await it.ask({ do: 'list', path: '/taibai' })).toEqual(['code', 'stderr', 'stdout'])
      const mounts = (await it.read('/proc/self/mounts')).split('\n').map((line) => line.split(' ')[1] ?? '')
      expect(mounts).toContain('/taibai')
      const ours = ['/taibai', '/run/secrets']
      const ofHost = ['/etc/resolv.conf', '/etc/hostname', '/etc/hosts', '/etc/passwd', '/etc/group']
      // The engine's own init, the parent of the worker's processes.
      const init = /\/docker-init$/
      const others = mounts.filter(
        (at) =>
          at !== '' &&
          at !== '/' &&
          ![...ours, ...ofHost].includes(at) &&
          !init.test(at) &&
          !/^\/(proc|sys|dev|tmp)(\/|$)/.test(at),
      )
      expect(others).toEqual([])
    })

    test('has no network when it wants none: it is refused at once, and there is no interface', async () => {
      // The kernel's own refusal: with a network there would be a time-out.
      await expect(it.ask({ do: 'connect', host: '192.0.2.1', port: 53 })).rejects.toThrow(/ENETUNREACH|unreachable/)
      expect(await it.ask({ do: 'list', path: '/sys/class/net' })).toEqual(['lo'])
    })

    test('has swap of no size beyond its memory', async () => {
      expect(await it.memoryLimits()).toEqual({ memory: 128 * mib, withSwap: 128 * mib })
    })

    test('is shown by the engine as asked, without what the function keeps to itself', async () => {
      const info = await it.inspect()
      expect(JSON.stringify(info)).not.toContain('seen-by-nobody-else')
      expect(await it.ask({ do: 'env', name: 'SECRET' })).toBe('seen-by-nobody-else')
      expect(info.Config.Labels).toMatchObject({
        'io.taibai.instance': workers().instance,
        'io.taibai.worker': it.name,
      })
      expect(info.Config.User).toMatch(/^[1-9]\d*:[1-9]\d*$/)
      expect(info.HostConfig).toMatchObject({
        AutoRemove: true,
        ReadonlyRootfs: true,
        Privileged: false,
        PublishAllPorts: false,
        CapAdd: null,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges', expect.stringMatching(/^seccomp=\{/)],
        PidsLimit: pidsLimit,
        NetworkMode: 'none',
        Memory: 128 * mib,
        MemorySwap: 128 * mib,
        LogConfig: { Type: 'none' },
      })
      expect(info.HostConfig.PidMode).toBe('')
      expect(info.HostConfig.IpcMode).toBe('private')
      expect(Object.keys(info.NetworkSettings.Ports)).toEqual([])
    })

    test('is stopped at its memory, and nothing of it stays', async () => {
      await using hungry = await workers().bound(runtime)
      const outcome = await hungry.call({ do: 'memory', mb: 400 })
      expect(outcome).toMatchObject({ kind: 'killed', error: { type: 'MemoryExceeded' } })
      expect(await it.ask({ do: 'echo', value: 1 }), 'others go on').toBe(1)
    })

    test('starts no more processes than allowed, and the host goes on', async () => {
      await using fertile = await workers().bound(runtime)
      const started = await fertile.ask<number>({ do: 'spawn', count: pidsLimit * 2 })
      expect(started).toBeGreaterThan(5)
      expect(started).toBeLessThan(pidsLimit)
      expect(await it.run('echo', 'on')).toMatchObject({ code: 0, stdout: 'on\n' })
    })

    test('is killed at its deadline, with its container', async () => {
      await using endless = await workers().bound(runtime)
      expect(await endless.call({ do: 'loop' }, 500)).toMatchObject({ kind: 'timeout', error: { type: 'Timeout' } })
      await endless.worker.gone
      await waitUntil('its container is gone', async () => (await workers().inspect(endless.name)) === null)
    })

    test('ends by itself when the server goes away', async () => {
      const name = workers().newName()
      const { sandbox, folder } = await startRaw(workers(), runtime, name)
      const socket = await folder.connection()
      expect(await workers().inspect(name)).not.toBeNull()
      socket.destroy()
      await waitUntil('its container is gone', async () => (await workers().inspect(name)) === null)
      expect(await sandbox.exited).toMatchObject({ memoryExceeded: false })
      await folder.remove()
    })
  })

  test('that bombs with forks is stopped at its deadline, and meanwhile others answer', async () => {
    await using other = await workers().bound('python3')
    await using bomb = await workers().bound('python3')
    const program = 'import os\nwhile True:\n  try: os.fork()\n  except OSError: pass'
    const exploding = bomb.call({ do: 'run', argv: ['python3', '-c', program] }, 3000)
    for (let turn = 0; turn < 5; turn++) expect(await other.run('echo', 'on')).toMatchObject({ stdout: 'on\n' })
    expect(await exploding).toMatchObject({ kind: 'timeout' })
    await bomb.worker.gone
    expect(await other.run('echo', 'on')).toMatchObject({ stdout: 'on\n' })
  })

  test('cannot open more files than allowed', async () => {
    await using it = await workers().bound('python3', { network: 'none' })
    const program = 'import os\nn = 0\ntry:\n  while True: os.open("/dev/null", 0); n += 1\nexcept OSError: print(n)'
    const opened = Number((await it.run('python3', '-c', program)).stdout)
    expect(opened).toBeGreaterThan(100)
    expect(opened).toBeLessThan(openFilesLimit)
  })

  test('has a /tmp of its own size where it says so, which counts in its memory', async () => {
    const memoryBytes = 64 * mib
    await using it = await workers().bound('python3', { memoryBytes, tmpSizeBytes: memoryBytes, network: 'none' })
    const write = (bytes: number) => it.call({ do: 'write', path: '/tmp/x', bytes })
    expect((tmpSizeMb + 4) * mib).toBeLessThan(32 * mib)
    expect(await write((tmpSizeMb + 4) * mib)).toMatchObject({ kind: 'returned' })
    expect(await write(62 * mib)).toMatchObject({ kind: 'killed', error: { type: 'MemoryExceeded' } })
  })

  test('has no more memory in shared memory: what is written there counts', async () => {
    await using it = await workers().bound('python3', { memoryBytes: 64 * mib, network: 'none' })
    const write = (bytes: number) => it.call({ do: 'write', path: '/dev/shm/x', bytes })
    expect(await write(8 * mib)).toMatchObject({ kind: 'returned' })
    expect(await write(62 * mib)).toMatchObject({ kind: 'killed', error: { type: 'MemoryExceeded' } })
  })
})

describeWithDocker('A program that makes whoever starts it root', () => {
  const workers = dockerWorkers()
  const image = builtImages('setuid')

  test('does so in a container without our options, and not in a worker', async () => {
    const plain = await docker(
      'run',
      '--rm',
      '--network',
      'none',
      '--user',
      '64000:64000',
      image('setuid'),
      '/opt/id-of-root',
    )
    expect(plain).toContain('euid=0(root)')
    await using it = await workers().bound('python3', { image: image('setuid'), network: 'none' })
    const { stdout } = await it.run('/opt/id-of-root')
    expect(stdout).toMatch(/^uid=[1-9]/)
    expect(stdout).not.toContain('euid')
  })
})

describeWithDocker('Two functions side by side', () => {
  const workers = dockerWorkers()
  const marker = 'a-secret-of-the-other-function'
  let one: FunctionWorker
  let other: FunctionWorker
  beforeAll(async () => {
    const packageHash = workers().storeCode('marked', 'python3', { 'marker.txt': marker })
    const start = (overrides: object) => workers().shared('python3', { env: {}, ...overrides })
    ;[one, other] = await Promise.all([
      start({ functionId: 'f1' }),
      start({ functionId: 'f2', packageHash, env: { MARKER: marker } }),
    ])
  })

  test('do not see the code of each other, wherever they look', async () => {
    const search = [
      'sh',
      '-c',
      `find / -xdev -name marker.txt; grep -rlsF '${marker}' /taibai /tmp /dev/shm /run /var /home /opt /etc; cat /proc/[0-9]*/environ`,
    ]
    const found = async (at: FunctionWorker) => (await at.run(...search)).stdout
    expect(await found(other)).toContain('marker.txt')
    expect(await found(one)).not.toContain('marker')
    expect(await found(one)).not.toContain(marker)
  })

  test('are two users to the kernel, each with a name and a home', async () => {
    const uidOf = async (at: FunctionWorker) => fieldsOf(await at.read('/proc/self/status')).Uid
    expect(await uidOf(one)).not.toBe(await uidOf(other))
    for (const at of [one, other]) {
      const { stdout } = await at.run('sh', '-c', 'getent passwd "$(id -u)"; id -un')
      expect(stdout).toMatch(/^function:.*:\/tmp:\/bin\/sh\nfunction\n$/)
    }
  })

  // Where the kernel gives a user more than a process may open, there is nothing to use up so simply.
  test.runIf(watchesPerUser < openFilesLimit)('use up no file watches of each other', async () => {
    const watches = 'import ctypes; n = 0\nwhile ctypes.CDLL(None).inotify_init() >= 0: n += 1\nprint(n, flush=True)'
    const holder = `python3 -c '${watches}\nimport time; time.sleep(60)' > /tmp/held 2>&1 &`
    await one.run('sh', '-c', `${holder} while ! test -s /tmp/held; do sleep 0.05; done`)
    const held = Number(await one.read('/tmp/held'))
    const again = async (at: FunctionWorker) => Number((await at.run('python3', '-c', watches)).stdout)
    expect(await again(one)).toBe(0)
    expect(await again(other)).toBeGreaterThanOrEqual(held)
  })

  test('do not see the files of each other in /tmp', async () => {
    await other.ask({ do: 'write', path: '/tmp/of-the-other', bytes: 1 })
    expect(await one.ask({ do: 'list', path: '/tmp' })).not.toContain('of-the-other')
  })

  test('do not reach each other over the network, though the host reaches both', async () => {
    const { own } = await other.address()
    await listenInside(other, 8099)
    expect(await other.ask({ do: 'connect', host: own, port: 8099 })).toBe('connected')
    const fromHost = connect(8099, own)
    await once(fromHost, 'connect')
    fromHost.destroy()
    await expect(one.ask({ do: 'connect', host: own, port: 8099 })).rejects.toThrow()
  })

  test('hear of no port that the host publishes for them', async () => {
    const { HostConfig, NetworkSettings } = await one.inspect()
    expect(HostConfig).toMatchObject({ PublishAllPorts: false, Links: null })
    // Engines of the line of Docker 29 answer with an empty object what older ones call null.
    expect(HostConfig.PortBindings ?? {}).toEqual({})
    expect(NetworkSettings.Ports).toEqual({})
  })
})

const refused =
  /EROFS|EACCES|EPERM|ENOENT|EISDIR|ENXIO|Read-only|Permission denied|not permitted|No such|No such device/

const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter((word) => word !== '')

function fieldsOf(status: string): Record<string, string> {
  const pairs = status.split('\n').map((line) => line.split(':\t'))
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value.trim()]))
}

async function listenInside(worker: FunctionWorker, port: number): Promise<void> {
  const program = `import socket, time; s = socket.create_server(('0.0.0.0', ${port})); time.sleep(60)`
  await worker.run('sh', '-c', `python3 -c "${program}" > /dev/null 2>&1 &`)
  const connects = () =>
    worker.ask({ do: 'connect', host: '127.0.0.1', port }).then(
      () => true,
      () => false,
    )
  await waitUntil('it listens', connects)
}
