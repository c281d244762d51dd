import { describe, expect, test, vi } from 'vitest'
import type { Fn } from '../../src/domain/functions/function.ts'
import { type ChangeableField, fieldFacts, makeRevision } from '../../src/domain/functions/revision.ts'
import type { Principal } from '../../src/domain/platform/principal.ts'
import { workersToDrop } from '../../src/services/functions/function-change.ts'
import { type TargetRef, Targets } from '../../src/services/functions/targets.ts'
import { AliasRows } from '../../src/store/aliases.ts'
import { Database } from '../../src/store/database.ts'
import { FunctionRows } from '../../src/store/functions.ts'
import { RuntimeRows } from '../../src/store/runtimes.ts'
import { aFn, anAlias, aRuntime, aVersion } from '../support/builders.ts'

const red: Principal = { projectId: 'red', roles: [], isAdmin: false }
const admin: Principal = { projectId: 'ops', roles: ['admin'], isAdmin: true }
const unknownId = '0190a000-0000-7000-8000-00000000dead'

/** What comes of chance. */
let chance = 0

function setUp() {
  const database = new Database(':memory:')
  const functions = new FunctionRows(database)
  const runtimes = new RuntimeRows(database)
  const aliases = new AliasRows(database)
  const runtime = aRuntime()
  const broken = aRuntime({ status: 'error' })
  for (const one of [runtime, broken]) runtimes.insert(one)
  const own = aFn({ projectId: 'red', name: 'own', runtimeId: runtime.id })
  const waiting = aFn({ projectId: 'red', name: 'waiting', runtimeId: broken.id })
  const others = aFn({ projectId: 'blue', name: 'own', runtimeId: runtime.id })
  const image = aFn({ projectId: 'red', name: 'image', runtimeId: null, code: { source: 'image', image: 'a:1' } })
  const second = aFn({ projectId: 'blue', name: 'second', runtimeId: runtime.id })
  for (const fn of [own, waiting, others, image, second]) functions.insert(fn)
  const version = aVersion({ functionId: own.id, projectId: 'red', number: 2 })
  functions.insertVersion(version)
  const alias = anAlias({ projectId: 'red', name: 'live', functionId: own.id, functionVersion: 2 })
  aliases.insert(alias)
  aliases.insert(anAlias({ projectId: 'blue', name: 'live', functionId: others.id }))
  aliases.insert(anAlias({ projectId: 'blue', name: 'only', functionId: second.id }))
  const targets = new Targets({ functions, runtimes, aliases, random: () => chance })
  return { targets, functions, runtimes, aliases, runtime, own, waiting, others, image, second, version, alias }
}

type Made = ReturnType<typeof setUp>

describe('what cannot be run', () => {
  test.each<[string, (made: Made) => TargetRef, string]>([
    ['nothing named', () => ({}), 'invalid_request'],
    ['empty texts', () => ({ functionId: '', functionAlias: '' }), 'invalid_request'],
    ['what is neither an id nor a name', () => ({ functionId: 'nobody' }), 'invalid_request'],
    ['a negative version', ({ own }) => ({ functionId: own.id, functionVersion: -1 }), 'invalid_request'],
    ['a version of an image', ({ image }) => ({ functionId: image.id, functionVersion: 1 }), 'invalid_request'],
    ['an unknown function', () => ({ functionId: unknownId }), 'not_found'],
    ['a function of others', ({ others }) => ({ functionId: others.id }), 'not_found'],
    ['an unknown version', ({ own }) => ({ functionId: own.id, functionVersion: 1 }), 'not_found'],
    ['an unknown alias', () => ({ functionAlias: 'gone' }), 'not_found'],
    ['an alias of others', () => ({ functionAlias: 'only' }), 'not_found'],
    ['an unknown alias of a function', () => ({ functionId: 'own@gone' }), 'not_found'],
    ['an alias of another function', () => ({ functionId: 'waiting@live' }), 'not_found'],
    ['an unknown version in the name', () => ({ functionId: 'own:7' }), 'not_found'],
    [
      'a version in the name and another beside it',
      () => ({ functionId: 'own:2', functionVersion: 2 }),
      'invalid_request',
    ],
    ['a version that is not a number', () => ({ functionId: 'own:two' }), 'invalid_request'],
    ['an alias of nothing', () => ({ functionId: '@live' }), 'invalid_request'],
    ['a runtime that is not available', ({ waiting }) => ({ functionId: waiting.id }), 'runtime_unavailable'],
  ])('%s', (_name, ref, code) => {
    const made = setUp()
    expect(() => made.targets.resolve(red, ref(made))).toThrow(expect.objectContaining({ code }))
  })
})

describe('what is run', () => {
  test('is found by id in any spelling, and by name', () => {
    const { targets, own } = setUp()
    for (const functionId of [own.id, own.id.toUpperCase(), `{${own.id}}`, own.id.replaceAll('-', ''), 'own']) {
      expect(targets.resolve(red, { functionId })).toMatchObject({ fn: { id: own.id }, version: 0, alias: null })
    }
    expect(targets.byName(red, 'own').fn.id).toBe(own.id)
  })

  test('may be named with its alias or its version in one word', () => {
    const { targets, own } = setUp()
    for (const word of ['own@live', `${own.id}@live`, 'own:2', `${own.id}:2`]) {
      const alias = word.includes('@') ? 'live' : null
      expect(targets.byName(red, word)).toMatchObject({ fn: { id: own.id }, version: 2, alias })
      expect(targets.resolve(red, { functionId: word })).toMatchObject({ version: 2, alias })
      expect(targets.named(red, { functionId: word })).toMatchObject({ fn: { id: own.id }, version: 2, alias })
    }
    expect(targets.byName(red, 'own:0')).toMatchObject({ version: 0 })
    for (const word of ['own@gone', 'waiting@live', 'own:9', 'own@', 'own:x', ':2']) {
      expect(() => targets.byName(red, word), word).toThrow(expect.objectContaining({ code: 'not_found' }))
    }
  })

  test('by an alias that moves, in one word too', () => {
    const { targets, aliases, alias } = setUp()
    expect(targets.byName(red, 'own@live').version).toBe(2)
    aliases.update({ ...alias, functionVersion: 0 })
    expect(targets.byName(red, 'own@live').version).toBe(0)
  })

  test('an alias wins, with its version', () => {
    const { targets, own, version } = setUp()
    const found = targets.resolve(red, { functionId: unknownId, functionVersion: 7, functionAlias: 'live' })
    expect(found).toMatchObject({ fn: { id: own.id }, version: 2, alias: 'live' })
    expect(found.revision.packageHash).toBe(version.packageHash)
  })

  test('an admin runs functions of others by id, and aliases that only one other project has', () => {
    const { targets, others, second } = setUp()
    expect(targets.resolve(admin, { functionId: others.id }).fn.id).toBe(others.id)
    expect(targets.resolve(admin, { functionAlias: 'only' }).fn.id).toBe(second.id)
    expect(() => targets.resolve(admin, { functionAlias: 'live' })).toThrow('live')
    expect(() => targets.byName(admin, 'own')).toThrow('own')
  })

  test('jobs and webhooks look inside their project', () => {
    const { targets, others, own } = setUp()
    expect(targets.resolveIn('blue', { functionAlias: 'live' }).fn.id).toBe(others.id)
    expect(targets.resolveIn('red', { functionAlias: 'live' }).fn.id).toBe(own.id)
    expect(() => targets.resolveIn('red', { functionAlias: 'only' })).toThrow('only')
  })

  test('jobs and webhooks may point at what cannot run now, by own aliases only', () => {
    const { targets, waiting, own } = setUp()
    expect(targets.named(red, { functionId: waiting.id })).toMatchObject({ fn: { id: waiting.id }, version: 0 })
    expect(targets.named(red, { functionAlias: 'live' })).toMatchObject({
      fn: { id: own.id },
      version: 2,
      alias: 'live',
    })
    expect(() => targets.named(admin, { functionAlias: 'only' })).toThrow('only')
    expect(targets.functionIdOf('red', { functionAlias: 'live' })).toBe(own.id)
    expect(targets.functionIdOf('red', { functionAlias: 'gone' })).toBeNull()
  })
})

describe('the warm path', () => {
  test('asks the store once, for all callers', () => {
    const { targets, functions, runtimes, own } = setUp()
    targets.resolve(red, { functionId: own.id })
    targets.resolve(red, { functionId: 'own' })
    targets.resolveIn('red', { functionId: own.id })
    const asked = [vi.spyOn(functions, 'find'), vi.spyOn(functions, 'findByName'), vi.spyOn(runtimes, 'find')]
    targets.resolve(red, { functionId: own.id })
    targets.resolve(red, { functionId: 'own', functionVersion: 0 })
    targets.byName(red, 'own')
    targets.resolveIn('red', { functionId: own.id, functionVersion: 0 })
    for (const spy of asked) expect(spy).not.toHaveBeenCalled()
  })

  test('sees what was written to the function or its runtime', () => {
    const { targets, functions, runtimes, runtime, own } = setUp()
    targets.byName(red, 'own')
    functions.update({ ...own, timeoutSeconds: 9 })
    targets.forgetFunction(own.id)
    expect(targets.byName(red, 'own').revision.timeoutMs).toBe(9000)
    runtimes.update({ ...runtime, status: 'upgrading' })
    targets.forgetRuntime(runtime.id)
    expect(() => targets.byName(red, 'own')).toThrow('upgrading')
  })

  test('an alias that moves needs no word: it is looked up each time', () => {
    const { targets, aliases, alias } = setUp()
    targets.resolve(red, { functionAlias: 'live' })
    aliases.update({ ...alias, functionVersion: 0 })
    expect(targets.resolve(red, { functionAlias: 'live' }).version).toBe(0)
  })
})

test('An alias with weights leads to one of its versions by chance, and says which', () => {
  const { targets, aliases, alias } = setUp()
  aliases.update({ ...alias, weights: { 0: 0.1 } })
  const chosen = (at: number) => {
    chance = at
    return targets.resolve(red, { functionAlias: 'live' })
  }
  expect(chosen(0.09)).toMatchObject({ version: 0, alias: 'live' })
  expect(chosen(0.1)).toMatchObject({ version: 2, alias: 'live' })
  chance = 0.05
  expect(targets.byName(red, 'own@live').version).toBe(0)
  expect(targets.resolveIn('red', { functionAlias: 'live' }).version).toBe(0)
  expect(targets.named(red, { functionAlias: 'live' }).version).toBe(2)
})

describe('a revision', () => {
  const runtime = aRuntime({ minMemoryBytes: 64 })
  const fn = aFn({ runtimeId: runtime.id, memoryBytes: 32 })
  const key = (overrides: object) => makeRevision({ ...fn, ...overrides }, runtime, null).key

  test('has the least memory of its runtime as a floor', () => {
    expect(makeRevision(fn, runtime, null).memoryBytes).toBe(64)
  })

  const changes: Record<ChangeableField, unknown> = {
    name: 'new',
    description: 'new',
    timeoutSeconds: 9,
    minWorkers: 2,
    maxWorkers: 3,
    idleTimeoutSeconds: 5,
    entry: 'a.b',
    cpuMillicpu: 321,
    memoryBytes: 128,
    signature: 'http',
    env: { A: '1' },
    secrets: [{ name: 'KEY', as: 'env', to: 'KEY' }],
    maxRunning: 3,
    maxRate: 5,
    maxGbSecondsPerDay: 9,
    sandbox: 'runsc',
    record: 'none',
    concurrency: 2,
    network: 'none',
    api: true,
    cpuMaxMillicpu: 999,
    tmpSizeBytes: 77,
    placement: { gpu: 'true' },
    writable: ['/run'],
    retries: { maxAttempts: 2 },
    onSuccess: { function: 'a' },
    onFailure: { url: 'https://example.org' },
  }
  const fields = Object.keys(changes) as ChangeableField[]

  test.each(fields.filter((field) => fieldFacts[field].in !== 'worker'))(
    'keeps its workers when %s changes',
    (field) => {
      expect(key({ [field]: changes[field] })).toBe(key({}))
    },
  )

  test.each(fields.filter((field) => fieldFacts[field].in === 'worker'))(
    'needs new workers when %s changes',
    (field) => {
      expect(key({ [field]: changes[field] })).not.toBe(key({}))
    },
  )

  test('needs new workers for new code, and when its runtime has another image', () => {
    expect(key({ packageHash: 'new' })).not.toBe(key({}))
    expect(makeRevision(fn, { ...runtime, image: 'other' }, null).key).not.toBe(key({}))
  })

  test('does not depend on an order that says nothing, and does on one that does', () => {
    const same: [object, object][] = [
      [{ env: { A: '1', B: '2' } }, { env: { B: '2', A: '1' } }],
      [{ placement: { gpu: 'true', zone: 'a' } }, { placement: { zone: 'a', gpu: 'true' } }],
      [{ writable: ['/var/a', '/var/b'] }, { writable: ['/var/b', '/var/a'] }],
      [{ secrets: [secret('A'), secret('B')] }, { secrets: [secret('B'), { to: 'A', as: 'env', name: 'A' }] }],
    ]
    for (const [one, other] of same) {
      expect(key(one)).toBe(key(other))
      expect(workersToDrop({ ...fn, ...one }, { ...fn, ...other })).toBe('none')
    }
    const image = (command: string[]) => aFn({ code: { source: 'image', image: 'x', mode: 'lambda', command } })
    const keyOf = (made: Fn) => makeRevision(made, null, null).key
    expect(keyOf(image(['a', 'b']))).not.toBe(keyOf(image(['b', 'a'])))
    expect(key({ env: { A: '1', B: '2' } })).not.toBe(key({ env: { A: '2', B: '1' } }))
    expect(key({ writable: ['/var/a'] })).not.toBe(key({ writable: ['/var/a', '/var/b'] }))
  })
})

const secret = (name: string) => ({ name, as: 'env' as const, to: name })
