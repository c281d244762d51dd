import { describe, expect, test } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import { timeOrderedId } from '../../src/domain/ids.ts'
import { noShares } from '../../src/domain/platform/limits.ts'
import type { Listing, ListingQuery } from '../../src/domain/platform/openstack.ts'
import { OpenStackSession } from '../../src/domain/platform/openstack.ts'
import { openPrincipal } from '../../src/domain/platform/principal.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import { compareObjectNames, type ListedObject } from '../../src/domain/triggers/source.ts'
import { Targets } from '../../src/services/functions/targets.ts'
import { Invocation } from '../../src/services/runs/invocation.ts'
import type { NewSource } from '../../src/services/triggers/sources.ts'
import { Sources } from '../../src/services/triggers/sources.ts'
import { aFn, anAlias, aRuntime, builtAt } from '../support/builders.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLedger } from '../support/fake-ledger.ts'
import { FakePool } from '../support/fake-pool.ts'
import { testDatabase } from '../support/test-databases.ts'

const who = { ...openPrincipal, projectId: 'red' }
const timeOf = (ms: number): string => new Date(ms).toISOString().replace('Z', '000')

/** A container in Swift, with a clock of its own. */
class FakeContainer {
  objects = new Map<string, ListedObject>()
  /** Thrown by the next listings, in turn. */
  failures: FaasError[] = []
  asked: ListingQuery[] = []
  /** Calls when a listing is asked for. */
  onList = (): void => {}
  #clock: FakeClock

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  put(name: string, etag: string, atMs = this.#clock.now()): void {
    this.objects.set(name, { name, etag, bytes: etag.length, lastModified: timeOf(atMs) })
  }

  list = async (_session: OpenStackSession, wish: ListingQuery): Promise<Listing> => {
    this.asked.push(wish)
    this.onList()
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    const { after, limit, prefix } = wish
    const names = [...this.objects.keys()].sort(compareObjectNames)
    const found = names.filter((name) => name.startsWith(prefix ?? '') && compareObjectNames(name, after) > 0)
    return {
      objects: found.slice(0, limit).map((name) => this.objects.get(name) as ListedObject),
      atMs: Math.floor(this.#clock.now() / 1000) * 1000,
    }
  }
}

const session = new OpenStackSession({
  token: 'token',
  expiresAtMs: Number.POSITIVE_INFINITY,
  userId: 'u',
  projectId: 'red',
  roles: [],
  trustId: 't',
  authUrl: 'http://keystone',
  details: {},
  catalog: null,
})

/** What lasts through a crash, and processes that come and go over it. */
function setUp() {
  const { stores } = testDatabase()
  const store = stores.sources
  const ledger = new FakeLedger()
  const clock = new FakeClock()
  const container = new FakeContainer(clock)
  const forgotten: string[] = []
  const trusts = { acting: () => session, forget: (trustId: string) => void forgotten.push(trustId) }
  const runtime = aRuntime()
  stores.runtimes.insert(runtime)
  const fn = aFn({ projectId: 'red', name: 'seen', runtimeId: runtime.id, trustId: 'trust' })
  stores.functions.insert(fn)

  function startProcess(limits: { maxQueued?: number } = {}) {
    const targets = new Targets({ ...stores, random: Math.random })
    const common = { pool: new FakePool(), ledger, clock, newId: timeOrderedId, log: silentLog }
    const invocation = new Invocation({ ...common, limits: { ...runLimits, ...limits } })
    const all = { ...common, store, targets, invocation, containers: container, shares: noShares }
    return new Sources({ ...all, trusts: trusts as never })
  }

  const events = () =>
    [...ledger.rows.values()].map(({ input }) => {
      const { type, object, etag } = JSON.parse(input ?? '')
      return `${type} ${object} ${etag}`
    })
  const watch = (sources: Sources, more: NewSource = {}) =>
    sources.create(who, { type: 'swift', container: 'in', functionId: 'seen', interval: 10, ...more })
  return { stores, store, ledger, clock, container, forgotten, fn, startProcess, events, watch }
}

const runLimits = {
  maxQueued: 10_000,
  maxQueuedBytes: 10_000_000,
  maxAsyncRunning: 100,
  maxAsyncRunningPerFunction: 100,
  maxAttempts: 3,
  maxAsyncAgeMs: 3_600_000,
  maxCallDepth: 16,
  retryPauseMs: 100,
  cancelGraceMs: 50,
  maxLogBytes: 1000,
  logExecutions: 'all' as const,
}

const seconds = 1000
const allEvents = ['created', 'changed', 'deleted']
const silence = () => new FaasError('openstack_failed', 'Swift cannot be reached (ECONNREFUSED).')

describe('A watched container', () => {
  test('tells of what is put into it, in runs of its project that say where they come from', async () => {
    const { clock, container, ledger, fn, startProcess, watch } = setUp()
    const source = await watch(startProcess())
    await clock.pass(0)
    container.put('picture.png', 'e1')
    await clock.pass(10 * seconds)
    expect([...ledger.rows.values()]).toMatchObject([
      {
        projectId: 'red',
        functionId: fn.id,
        trigger: 'event',
        sync: false,
        status: 'success',
        description: `Created by Source ${source.id}`,
      },
    ])
    expect(JSON.parse([...ledger.rows.values()][0]?.input ?? '')).toEqual({
      type: 'object.created',
      source: source.id,
      container: 'in',
      object: 'picture.png',
      etag: 'e1',
      bytes: 2,
      last_modified: timeOf(builtAt),
    })
  })

  test('tells of what was put between its making and the first look, and not of what was there before', async () => {
    const { clock, container, startProcess, events, watch } = setUp()
    container.put('old', 'e0', builtAt - 5 * seconds)
    const sources = startProcess()
    await watch(sources)
    container.put('new', 'e1')
    await clock.pass(0)
    expect(events()).toEqual(['object.created new e1'])
  })

  test('tells of what was there before when asked to', async () => {
    const { clock, container, startProcess, events, watch } = setUp()
    container.put('old', 'e0', builtAt - 5 * seconds)
    await watch(startProcess(), { existing: true })
    await clock.pass(0)
    expect(events()).toEqual(['object.created old e0'])
  })

  test('tells of changes and deletions, each once, and only of what was asked for', async () => {
    const { clock, container, startProcess, events, watch } = setUp()
    const sources = startProcess()
    await watch(sources, { events: allEvents })
    container.put('a', 'e1')
    await clock.pass(0)
    container.put('a', 'e2')
    await clock.pass(10 * seconds)
    container.objects.delete('a')
    await clock.pass(100 * seconds)
    expect(events()).toEqual(['object.created a e1', 'object.changed a e2', 'object.deleted a e2'])
  })

  test('does not tell of what was not asked for, and learns it nevertheless', async () => {
    const { clock, container, startProcess, events, watch } = setUp()
    await watch(startProcess(), { events: ['changed'] })
    container.put('a', 'e1')
    await clock.pass(0)
    container.put('a', 'e2')
    await clock.pass(10 * seconds)
    expect(events()).toEqual(['object.changed a e2'])
  })

  test('an object put again with the same bytes is no news, one deleted and put again is', async () => {
    const { clock, container, startProcess, events, watch } = setUp()
    await watch(startProcess())
    container.put('a', 'e1')
    await clock.pass(0)
    container.put('a', 'e1')
    await clock.pass(10 * seconds)
    expect(events()).toEqual(['object.created a e1'])
    container.objects.delete('a')
    await clock.pass(10 * seconds)
    container.put('a', 'e1')
    await clock.pass(10 * seconds)
    expect(events()).toEqual(['object.created a e1', 'object.created a e1'])
  })

  test('may have more objects than a page, in both directions, and names of every script', async () => {
    const { clock, container, startProcess, events, watch } = setUp()
    await watch(startProcess(), { events: allEvents, prefix: 'n' })
    const names = Array.from({ length: 2500 }, (_, n) => `n${n}${['', 'ä', '山', '𐐀', '\uffee'][n % 5]}`)
    for (const name of names) container.put(name, 'e1')
    container.put('other', 'e1')
    await clock.pass(0)
    expect(events().sort()).toEqual(names.map((name) => `object.created ${name} e1`).sort())
    container.objects.clear()
    for (const name of names.slice(0, 1200)) container.put(`${name}!`, 'e2')
    await clock.pass(10 * seconds)
    expect(events()).toHaveLength(2500 + 2500 + 1200)
    await clock.pass(100 * seconds)
    expect(events()).toHaveLength(2500 + 2500 + 1200)
  })
})

describe('Nothing is missed or doubled', () => {
  test('over a restart: earlier changes are reported', async () => {
    const { clock, container, startProcess, events, watch } = setUp()
    const first = startProcess()
    await watch(first)
    container.put('a', 'e1')
    await clock.pass(0)
    await first.polls.close()
    container.put('b', 'e1')
    await clock.pass(60 * seconds)
    expect(events()).toEqual(['object.created a e1'])
    startProcess().polls.start()
    await clock.pass(0)
    expect(events()).toEqual(['object.created a e1', 'object.created b e1'])
  })

  test('when the process ends between accepting a run and remembering why', async () => {
    const { clock, container, store, startProcess, events, watch } = setUp()
    const first = startProcess()
    await watch(first)
    const remember = store.remember
    store.remember = () => {
      throw new Error('the power is gone')
    }
    container.put('a', 'e1')
    await clock.pass(0)
    await first.polls.close()
    store.remember = remember
    startProcess().polls.start()
    await clock.pass(0)
    expect(events()).toEqual(['object.created a e1'])
    expect(store.objectsAfter((store.list(null)[0] as { id: string }).id, '', 10)).toHaveLength(1)
  })

  test('when the queue is full: the rest is reported later', async () => {
    const { clock, container, startProcess, events, watch } = setUp()
    const sources = startProcess({ maxQueued: 0 })
    const { id } = await watch(sources)
    container.put('a', 'e1')
    await clock.pass(0)
    expect(sources.get(who, id).lastError).toMatch(/wait/)
    expect(events()).toEqual([])
    await sources.polls.close()
    startProcess().polls.start()
    await clock.pass(0)
    expect(events()).toEqual(['object.created a e1'])
  })

  test('when a listing breaks off: it begins again', async () => {
    const { clock, container, startProcess, events, watch } = setUp()
    const sources = startProcess()
    const { id } = await watch(sources)
    for (let n = 0; n < 1500; n++) container.put(`n${n}`, 'e1')
    container.onList = () => {
      if (container.asked.at(-1)?.after !== '' && container.failures.length === 0) {
        container.failures.push(silence())
        container.onList = () => {}
      }
    }
    await clock.pass(0)
    expect(events()).toHaveLength(1000)
    expect(sources.get(who, id).lastError).toMatch(/cannot be reached/)
    await clock.pass(20 * seconds)
    expect(events()).toHaveLength(1500)
    expect(sources.get(who, id).lastError).toBeNull()
  })

  test('while it is paused: changes are reported when it resumes', async () => {
    const { clock, container, startProcess, events, watch } = setUp()
    const sources = startProcess()
    const { id } = await watch(sources)
    await clock.pass(0)
    sources.update(who, id, { status: 'paused' })
    container.put('a', 'e1')
    const asked = container.asked.length
    await clock.pass(60 * seconds)
    expect(container.asked).toHaveLength(asked)
    sources.update(who, id, { status: 'running' })
    await clock.pass(0)
    expect(events()).toEqual(['object.created a e1'])
  })
})

describe('A source that cannot be followed', () => {
  test('shows why, waits longer each time, and goes on as soon as it can', async () => {
    const { clock, container, startProcess, watch } = setUp()
    const sources = startProcess()
    const { id } = await watch(sources)
    container.failures = [silence(), silence(), silence()]
    const before = container.asked.length
    await clock.pass(0)
    expect(sources.get(who, id)).toMatchObject({ lastError: 'Swift cannot be reached (ECONNREFUSED).' })
    await clock.pass(19 * seconds)
    expect(container.asked.length - before).toBe(1)
    await clock.pass(1 * seconds)
    expect(container.asked.length - before).toBe(2)
    await clock.pass(40 * seconds)
    expect(container.asked.length - before).toBe(3)
    await clock.pass(80 * seconds)
    expect(sources.get(who, id)).toMatchObject({ lastError: null, lastPolledAt: clock.now() })
  })

  test('asks for a new token at once when Swift does not take the old one', async () => {
    const { clock, container, forgotten, startProcess, events, watch } = setUp()
    const sources = startProcess()
    await watch(sources)
    container.put('a', 'e1')
    container.failures = [new FaasError('unauthenticated', 'Swift does not accept the token any more.')]
    await clock.pass(0)
    expect(forgotten).toEqual(['trust'])
    expect(events()).toEqual(['object.created a e1'])
  })

  test('goes through an alias, as it is when something happens, and says when that leads nowhere', async () => {
    const { clock, container, stores, fn, startProcess, events, watch, ledger } = setUp()
    const alias = anAlias({ projectId: 'red', name: 'live', functionId: fn.id })
    stores.aliases.insert(alias)
    const sources = startProcess()
    const { id } = await watch(sources, { functionId: undefined, functionAlias: 'live' })
    stores.aliases.delete(alias.id)
    container.put('a', 'e1')
    await clock.pass(0)
    expect(sources.get(who, id).lastError).toMatch(/live/)
    stores.aliases.insert(alias)
    await clock.pass(60 * seconds)
    expect(events()).toEqual(['object.created a e1'])
    expect([...ledger.rows.values()][0]).toMatchObject({ functionAlias: 'live' })
  })

  test('that was deleted is not looked at any more, and forgets all', async () => {
    const { clock, container, store, startProcess, watch } = setUp()
    const sources = startProcess()
    const { id } = await watch(sources)
    container.put('a', 'e1')
    await clock.pass(0)
    sources.delete(who, id)
    const asked = container.asked.length
    await clock.pass(100 * seconds)
    expect(container.asked).toHaveLength(asked)
    expect(store.objectsAfter(id, '', 10)).toEqual([])
    expect(clock.armed).toBe(0)
  })

  test('leaves nothing running when the server closes', async () => {
    const { clock, startProcess, watch } = setUp()
    const sources = startProcess()
    await watch(sources)
    await clock.pass(15 * seconds)
    await sources.polls.close()
    expect(clock.armed).toBe(0)
  })
})
