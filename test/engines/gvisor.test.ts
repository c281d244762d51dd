import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SecondEngine } from '../../scripts/bench/second-engine.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { DockerWorkers, type FunctionWorker } from '../support/docker-workers.ts'

/** Functions in gVisor's sandbox, as docs/operate.md sets it up, on an engine of our own. Without runsc (Debian's package) they are skipped. */

const runsc = process.env.TAIBAI_TEST_RUNSC ?? programPath('runsc')
const isAsked = process.env.TAIBAI_TEST_ENGINES === '1'
if (isAsked && runsc === null)
  console.warn('NO GVISOR: runsc is not installed. The tests of functions in it are skipped.')

const describeWithGvisor = isAsked && runsc !== null ? describeWithDocker : describe.skip

describeWithGvisor('an engine with gVisor', () => {
  const links = [
    { link: 'over TCP', runtimeArgs: ['--network=host'] },
    { link: 'in a folder', runtimeArgs: ['--network=host', '--host-uds=open', '--host-fifo=open'] },
  ]
  describe.each(links)('has functions that ask for it, linked $link', ({ link, runtimeArgs }) => {
    const isOverTcp = link === 'over TCP'
    let engine: SecondEngine
    let workers: DockerWorkers
    beforeAll(async () => {
      engine = await SecondEngine.start({ runsc: { path: String(runsc), runtimeArgs } })
      workers = await DockerWorkers.connect({
        host: isOverTcp ? engine.tcp : `unix://${engine.socket}`,
        // The second engine sees this folder, but not /tmp.
        ...(isOverTcp ? {} : { folder: '/var/tmp' }),
        findsPlace: true,
        codeSizeMb: 64,
        startTimeoutMs: 120_000,
      })
      expect(workers.engine.callers !== undefined).toBe(isOverTcp)
      await engine.bring(...['nodejs', 'python3'].map((runtime) => workers.manifest(runtime).image))
    })
    afterAll(async () => {
      await workers?.close()
      await engine?.[Symbol.asyncDispose]()
    })

    test('and says that it has it', async () => {
      expect((await workers.engine.report()).ociRuntimes).toContain('runsc')
    })

    describe.each(['nodejs', 'python3'])('of the runtime %s', (runtime) => {
      let it: FunctionWorker
      beforeAll(async () => {
        it = await workers.shared(runtime, { sandbox: 'runsc' })
      })

      test('which runs there, on its kernel in place of the host’s', async () => {
        expect(await it.ask({ do: 'echo', value: 'grüß' })).toBe('grüß')
        expect((await it.run('dmesg')).stdout).toMatch(/gVisor/)
        const runtimeOf = await engine.docker(
          'inspect',
          '--format',
          '{{.HostConfig.Runtime}}',
          workers.containerName(it.worker.name),
        )
        expect(runtimeOf).toBe('runsc')
      })

      test.each([
        ...['/x', '/etc/x', '/usr/bin/x', '/opt/taibai/x', '/var/tmp/x', '/root/x'],
        ...['/proc/sys/kernel/core_pattern', '/sys/x'],
      ])('which cannot write %s', async (path) => {
        await expect(it.ask({ do: 'write', path, bytes: 1 })).rejects.toThrow(refused)
      })

      test('which can write to /tmp', async () => {
        await it.ask({ do: 'write', path: '/tmp/x', bytes: 1000 })
      })

      test('which is not root, has no capability, and gains none', async () => {
        expect(await it.read('/proc/self/status')).toMatch(/^CapEff:\s+0+$/m)
        expect((await it.run('id', '-u')).stdout.trim()).not.toBe('0')
        expect((await it.run('mount', '-t', 'tmpfs', 'none', '/tmp')).code).not.toBe(0)
      })

      test('which sees the processes of its own container only', async () => {
        const names = await it.ask<string[]>({ do: 'list', path: '/proc' })
        expect(names.filter((name) => /^\d+$/.test(name)).length).toBeLessThan(10)
      })
    })

    test('and refuses an OCI runtime that it does not have', async () => {
      await expect(workers.bound('nodejs', { sandbox: 'kata' })).rejects.toMatchObject({ code: 'engine_failed' })
    })
  })
})

const refused = /read-only|permission|not permitted|EROFS|EACCES|EPERM|ENOENT|no such/i

function programPath(name: string): string | null {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
  } catch {
    return null
  }
}
