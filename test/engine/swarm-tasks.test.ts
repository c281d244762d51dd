import { describe, expect, test, vi } from 'vitest'
import { registryHeader } from '../../src/engine/api/registry-header.ts'
import { imageServiceOptions } from '../../src/engine/sandbox/swarm/image-task.ts'
import { nodeImageOf } from '../../src/engine/sandbox/swarm/node-image.ts'
import { NodeRestarts } from '../../src/engine/sandbox/swarm/node-restarts.ts'
import { refuseOnSwarm } from '../../src/engine/sandbox/swarm/refuse-on-swarm.ts'
import type { NodeAnswer, TaskAnswer } from '../../src/engine/sandbox/swarm/service-options.ts'
import { swarmFindings } from '../../src/engine/sandbox/swarm/swarm-findings.ts'
import { SwarmSandbox } from '../../src/engine/sandbox/swarm/swarm-sandbox.ts'
import { serviceOptions } from '../../src/engine/sandbox/swarm/task-spec.ts'
import { inDoubt, machinesOf, stateOf } from '../../src/engine/sandbox/swarm/task-state.ts'
import { mib } from '../support/fake-workers-pool.ts'

const node = (name: string, more: Partial<NodeAnswer> = {}): NodeAnswer => ({
  ID: name,
  Spec: { Availability: 'active' },
  Status: { State: 'ready' },
  Description: { Hostname: name, Resources: { MemoryBytes: 1024 * mib, NanoCPUs: 2e9 } },
  ...more,
})
const down = node('b', { Status: { State: 'down' } })
const task = (state: string, more: Partial<TaskAnswer['Status']> = {}, DesiredState = 'running'): TaskAnswer => {
  return { ID: 't', ServiceID: 's', NodeID: 'a', DesiredState, Status: { State: state, ...more } }
}

describe('a task', () => {
  const of = (answer: TaskAnswer) => stateOf(answer, [node('a'), down])

  test('that looks for a place starts, and says what is in its way', () => {
    expect(of(task('assigned'))).toEqual({ kind: 'starting', problem: null })
    expect(of(task('pending', { Err: 'no suitable node' }))).toEqual({ kind: 'starting', problem: 'no suitable node' })
  })

  test('of a node that is down is lost, unless it had ended before', () => {
    expect(of({ ...task('running'), NodeID: 'b' })).toEqual({ kind: 'lost', node: 'b' })
    expect(of({ ...task('complete', { ContainerStatus: { ExitCode: 0 } }), NodeID: 'b' }).kind).toBe('ended')
  })

  test('that a signal ended while the manager was away was stopped with its machine; what ended by itself was not', () => {
    const ended = (code: number) => of(task('failed', { ContainerStatus: { ExitCode: code } }))
    const outside = { exit: { code: null, fromOutside: true } }
    for (const code of [137, 143, 255]) expect(inDoubt(ended(code), true)).toMatchObject(outside)
    expect(inDoubt(ended(3), true)).toEqual(ended(3))
    expect(inDoubt(ended(137), false)).toEqual(ended(137))
    expect(inDoubt(of(task('running')), true)).toEqual({ kind: 'running' })
  })

  test('is doubted for half a minute after its node has joined the swarm anew, as an engine that restarts fast does', () => {
    vi.useFakeTimers()
    const restarts = new NodeRestarts()
    const seen = (...versions: number[]) =>
      versions.map((Index, at) => node(at === 0 ? 'a' : 'b', { Version: { Index } }))
    const fresh = () => [restarts.isFresh('a'), restarts.isFresh('b'), restarts.isFresh(undefined)]
    restarts.note(seen(9, 15))
    restarts.note(seen(9, 15))
    expect(fresh()).toEqual([false, false, false])
    restarts.note(seen(9, 23))
    restarts.note(seen(9, 23))
    expect(fresh()).toEqual([false, true, false])
    vi.advanceTimersByTime(29_000)
    expect(fresh()).toEqual([false, true, false])
    vi.advanceTimersByTime(1000)
    expect(fresh()).toEqual([false, false, false])
    vi.useRealTimers()
  })

  test('is not doubted because somebody gave its node a label, or drained it', () => {
    const restarts = new NodeRestarts()
    const steps: Partial<NodeAnswer>[] = [
      { Version: { Index: 9 } },
      { Version: { Index: 12 }, Spec: { Availability: 'active', Labels: { gpu: 'true' } } },
      { Version: { Index: 13 }, Spec: { Availability: 'drain', Labels: { gpu: 'true' } } },
    ]
    for (const step of steps) restarts.note([node('a', step)])
    expect(restarts.isFresh('a')).toBe(false)
    restarts.note([node('a', { ...steps[2], Version: { Index: 14 } })])
    expect(restarts.isFresh('a')).toBe(true)
  })

  test('whose container its engine could not start, or has lost, did not end by itself', () => {
    const lost = { Err: 'No such container: w1', ContainerStatus: { ExitCode: 0 } }
    for (const answer of [task('failed', lost), task('failed', { Err: lost.Err })]) {
      expect(of(answer)).toMatchObject({
        exit: { code: null, fromOutside: true },
        refusal: expect.stringMatching(/No such container/),
      })
    }
  })

  test('that ended has its code, and who ended it', () => {
    const ended = (answer: TaskAnswer) => {
      const state = of(answer)
      return state.kind === 'ended' ? state.exit : null
    }
    expect(ended(task('failed', { ContainerStatus: { ExitCode: 3 } }))).toEqual({ code: 3, memoryExceeded: false })
    expect(ended(task('failed', { ContainerStatus: { ExitCode: 137 } }))).toMatchObject({ mayBeMemory: true })
    expect(ended(task('shutdown', {}, 'shutdown'))).toMatchObject({ fromOutside: true })
    expect(ended(task('orphaned'))).toMatchObject({ fromOutside: true })
  })

  test('that a node refused says which node and why', () => {
    const refusal = (Err: string) => {
      const state = of(task('rejected', { Err }))
      return state.kind === 'ended' ? state.refusal : null
    }
    expect(refusal('No such image: sha256:1')).toMatch(
      /The node a does not have the worker's image.*taibai images push/,
    )
    expect(refusal('no room')).toBe('The node a could not start a worker: no room.')
  })
})

test('nodes have their memory and their labels; those that are away or drained take nothing now', () => {
  const drained = node('c', { Spec: { Availability: 'drain', Labels: { gpu: 'true' } } })
  const has = { memoryBytes: 1024 * mib, processors: 2 }
  expect(machinesOf([drained, node('a'), down])).toEqual([
    { id: 'a', name: 'a', ...has, labels: {}, isOpen: true },
    { id: 'b', name: 'b', ...has, labels: {}, isOpen: false },
    { id: 'c', name: 'c', ...has, labels: { gpu: 'true' }, isOpen: false },
  ])
})

describe('what is said of a swarm', () => {
  const facts = { version: '20.10', apiVersion: '1.41', managerAddress: '192.0.2.1', heartbeatMs: 5000 }
  const says = (nodes: NodeAnswer[], more: Partial<typeof facts> = {}) =>
    swarmFindings({ ...facts, ...more }, nodes).map(({ state, says }) => `${state}: ${says}`)

  test('names nodes, those that are away, and how late that is noticed', () => {
    const said = says([node('a'), down]).join('\n')
    expect(said).toMatch(/ok: Workers run on 1 of 2 nodes: a\./)
    expect(said).toMatch(/The node b does not answer/)
    expect(said).toMatch(/is noticed after about 15 s/)
    expect(says([node('a')], { heartbeatMs: 1000 }).join()).not.toMatch(/is noticed after/)
  })

  test('a swarm without a node for tasks is a problem', () => {
    expect(says([down])[0]).toBe('problem: No node takes tasks.')
  })

  test('what old engines pass over is said of them alone', () => {
    expect(says([node('a')]).join()).toMatch(/cannot say no-new-privileges/)
    expect(says([node('a')], { apiVersion: '1.44' }).join()).not.toMatch(/no-new-privileges/)
  })
})

describe('what the swarm is asked for a worker', () => {
  const spec = {
    ...{ name: 'w', image: 'i', command: ['run'], env: { A: 'b' }, network: 'egress' as const, trusted: true },
    ...{ folder: null, key: 'w secret', memoryBytes: 128 * mib, cpuMillicpu: 100, cpuMaxMillicpu: 500 },
  }
  const defaults = {
    ...{ instance: 'one', server: '192.0.2.1:7071', apiAddress: '192.0.2.1', pidsLimit: 64, openFilesLimit: 256 },
    ...{ tmpSizeMb: 64, codeSizeMb: 64, seccomp: '{}', stopGraceMs: 2000 },
  }
  const kept = { id: 'x', name: 'y' }
  const user = { uid: 64_000, gid: 64_000 }
  const parts = { image: 'sha256:1', networkId: 'n', secret: kept, user }

  test('is one task that is never started again, with the limits of a container', () => {
    const { TaskTemplate, Mode } = serviceOptions(spec, defaults, parts)
    expect(Mode).toEqual({ Replicated: { Replicas: 1 } })
    expect(TaskTemplate.RestartPolicy).toEqual({ Condition: 'none' })
    expect(TaskTemplate.Resources).toEqual({
      Limits: { MemoryBytes: 128 * mib, Pids: 64, NanoCPUs: 5e8 },
      Reservations: { MemoryBytes: 128 * mib },
    })
  })

  test('of a function’s own image has the limits of a worker and nothing of ours inside, and its output is kept for a while', () => {
    const { key: _key, ...own } = spec
    const wanted = {
      ...own,
      command: ['serve'],
      entryPoint: ['/bin/it'],
      workingDirectory: '/srv',
      writable: ['/cache'],
    }
    const { TaskTemplate } = imageServiceOptions({ ...wanted, beside: 'h1' }, defaults, parts)
    const worker = serviceOptions(spec, defaults, parts).TaskTemplate
    expect(TaskTemplate.Resources).toEqual(worker.Resources)
    const { ContainerSpec: inside } = TaskTemplate
    for (const name of ['User', 'ReadOnly', 'CapabilityDrop', 'Privileges', 'Ulimits'] as const)
      expect(inside[name]).toEqual(worker.ContainerSpec[name])
    expect(inside).toMatchObject({ Command: ['/bin/it'], Args: ['serve'], Dir: '/srv' })
    expect([inside.Secrets, inside.Env.join().includes('TAIBAI')]).toEqual([undefined, false])
    expect(inside.Mounts.map(({ Target }) => Target)).toEqual(['/tmp', '/cache'])
    expect(TaskTemplate.Networks).toEqual([{ Target: parts.networkId, Aliases: ['image'] }])
    expect(TaskTemplate.LogDriver).toMatchObject({ Name: 'local', Options: { 'max-size': '1m' } })
    const once = imageServiceOptions({ ...wanted, args: ['a', 'b'] }, defaults, parts)
    expect(once.TaskTemplate.ContainerSpec.Args).toEqual(['a', 'b'])
  })

  test('is refused when it is to be isolated more than a swarm can', () => {
    const refused = (more: object, untrusted?: string) => () => refuseOnSwarm({ ...spec, ...more }, untrusted)
    expect(refused({ sandbox: 'runsc' })).toThrow(/Tasks of a swarm cannot have an OCI runtime of their own/)
    expect(refused({ trusted: false }, 'runsc')).toThrow(/TAIBAI_UNTRUSTED_OCI_RUNTIME/)
    expect(refused({ sandbox: null }, 'runsc')).not.toThrow()
    expect(refused({ trusted: false })).not.toThrow()
  })

  test('comes to the node that the pool chose', () => {
    const { TaskTemplate } = serviceOptions({ ...spec, machine: 'n1' }, defaults, parts)
    expect(TaskTemplate.Placement).toEqual({ Constraints: ['node.id==n1'] })
    expect(serviceOptions(spec, defaults, parts).TaskTemplate.Placement).toBeUndefined()
  })

  test('does not show the secret of the worker', () => {
    expect(JSON.stringify(serviceOptions(spec, defaults, parts))).not.toContain('w secret')
  })

  test('names the server only to a worker that may call its API', () => {
    expect(serviceOptions(spec, defaults, parts).TaskTemplate.ContainerSpec.Hosts).toBeUndefined()
    const { Hosts = [] } = serviceOptions({ ...spec, reachesApi: true }, defaults, parts).TaskTemplate.ContainerSpec
    expect(Hosts[0]).toMatch(/^192\.0\.2\.1 \S+$/)
  })
})

describe('a worker on a swarm', () => {
  const started = () => {
    let asked = 0
    const sandbox = new SwarmSandbox('w', 's', async () => {
      asked++
    })
    return { sandbox, asked: () => asked }
  }

  test('is looked at often until it runs, and again when it is to go', async () => {
    const { sandbox } = started()
    expect(sandbox.isChanging).toBe(true)
    sandbox.note({ kind: 'running' })
    await sandbox.running
    expect(sandbox.isChanging).toBe(false)
    void sandbox.kill()
    expect(sandbox.isChanging).toBe(true)
    sandbox.note(null)
    await sandbox.removed
  })

  test('is removed once, however often it is killed', async () => {
    const { sandbox, asked } = started()
    sandbox.note({ kind: 'running' })
    const killed = sandbox.kill()
    sandbox.note(null)
    await killed
    await sandbox.kill()
    expect(asked()).toBe(1)
  })

  test('whose end the swarm does not report was ended by its node or the manager', () => {
    expect(started().sandbox.isLost).toBe(true)
  })

  test('that is lost with its node has ended from outside', async () => {
    const { sandbox } = started()
    sandbox.note({ kind: 'lost', node: 'b' })
    expect(await sandbox.exited).toMatchObject({ fromOutside: true })
    await expect(sandbox.running).rejects.toThrow('The node b does not answer.')
  })
})

test('an image is known to nodes by its digest in the repository that its name means', () => {
  const of = (image: string, digests: string[]) =>
    nodeImageOf(image, { Id: 'sha256:1', RepoDigests: digests }, true).reference
  const [here, hub, port] = ['r.example/a/app@sha256:2', 'app@sha256:3', 'localhost:5000/app@sha256:4']
  const all = [here, hub, port]
  expect(of('r.example/a/app', all)).toBe(here)
  expect(of('r.example/a/app:1@sha256:2', all)).toBe(here)
  expect(of('docker.io/library/app:1', all)).toBe(hub)
  expect(of('localhost:5000/app:1', all)).toBe(port)
  expect(of('r.example/app', all)).toBe('sha256:1')
})

test('the header for a registry keeps its padding: an engine that reads it lost the end, and asked as nobody', () => {
  for (const password of ['a', 'ab', 'abc', '~?>ÿ']) {
    const { headers = {} } = registryHeader({ registry: 'r.example', username: 'u', password })
    const [text = ''] = Object.values(headers)
    expect(text.length % 4).toBe(0)
    expect(text).toMatch(/^[\w-]+=*$/)
    expect(JSON.parse(Buffer.from(text, 'base64url').toString())).toMatchObject({ password })
  }
})
