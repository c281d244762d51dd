import { afterEach, describe, expect, test } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import { type Listing, OpenStackSession } from '../../src/domain/platform/openstack.ts'
import type { OpenStack } from '../../src/openstack/openstack.ts'
import { aFn, anAlias, aRuntime } from '../support/builders.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

const unknownId = '0190a000-0000-7000-8000-00000000dead'
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

const listings: Record<string, () => Listing> = {
  in: () => ({ objects: [], atMs: 0 }),
  missing: () => {
    throw new FaasError('invalid_request', 'There is no container missing in Swift.')
  },
  silent: () => {
    throw new FaasError('openstack_failed', 'Swift cannot be reached.')
  },
}

const openstack = {
  authenticate: () => null,
  trusts: { acting: () => session, forget: () => {} },
  containers: { list: async (_session: unknown, { container }: { container: string }) => listings[container]?.() },
} as unknown as OpenStack

const apps: ReturnType<typeof makeTestApp>[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.parts.sources.polls.close()
})

function prepare(more: { openstack?: OpenStack } = { openstack }) {
  const app = makeTestApp({ clock: new FakeClock(), ...more })
  apps.push(app)
  const { functions, runtimes, aliases, sources } = app.stores
  const runtime = aRuntime({ projectId: 'ops' })
  runtimes.insert(runtime)
  const own = aFn({ projectId: 'red', name: 'seen', runtimeId: runtime.id, trustId: 'trust' })
  const untrusted = aFn({ projectId: 'red', name: 'untrusted', runtimeId: runtime.id, trustId: null })
  const others = aFn({ projectId: 'blue', runtimeId: runtime.id, trustId: 'trust' })
  for (const fn of [own, untrusted, others]) functions.insert(fn)
  aliases.insert(anAlias({ projectId: 'red', name: 'live', functionId: own.id }))
  const source = (projectId: string, functionId: string) => ({
    id: crypto.randomUUID(),
    projectId,
    name: null,
    type: 'swift' as const,
    container: 'in',
    prefix: null,
    events: ['created' as const],
    functionId,
    functionVersion: 0,
    functionAlias: null,
    intervalSeconds: 10,
    status: 'running' as const,
    sinceMs: 0,
    createdAt: 0,
    updatedAt: null,
  })
  const rows = { mine: source('red', own.id), theirs: source('blue', others.id) }
  for (const row of Object.values(rows)) sources.insert(row)
  return { app, made: { own: own.id, others: others.id, mine: rows.mine.id, theirs: rows.theirs.id } }
}

const watch = (fields: object = {}) => ({ type: 'swift', container: 'in', function_id: 'seen', ...fields })

describe('watching a container', () => {
  const ask = 'POST /v1/sources'
  testRows(
    [
      { name: 'is for holders of a token', ask, as: 'nobody', json: watch(), status: 401 },
      { name: 'needs a type', ask, json: watch({ type: null }), status: 400, shows: ['swift'] },
      { name: 'refuses another type', ask, json: watch({ type: 'queue' }), status: 400 },
      { name: 'needs a container', ask, json: watch({ container: null }), status: 400, shows: ['container'] },
      { name: 'refuses a container with a slash', ask, json: watch({ container: 'a/b' }), status: 400 },
      { name: 'refuses a container that means another place', ask, json: watch({ container: '..' }), status: 400 },
      { name: 'needs a function', ask, json: watch({ function_id: null }), status: 400, shows: ['function_id'] },
      { name: 'is 404 for an unknown function', ask, json: watch({ function_id: unknownId }), status: 404 },
      {
        name: 'is 404 for a function of another project',
        ask,
        jsonOf: ({ others }) => watch({ function_id: others }),
        status: 404,
      },
      {
        name: 'not even for an admin',
        ask,
        as: 'admin',
        jsonOf: ({ own }) => watch({ function_id: own }),
        status: 404,
      },
      {
        name: 'needs a function with a trust',
        ask,
        json: watch({ function_id: 'untrusted' }),
        status: 400,
        shows: ['no trust'],
      },
      { name: 'refuses events that do not exist', ask, json: watch({ events: ['moved'] }), status: 400 },
      { name: 'refuses no events', ask, json: watch({ events: [] }), status: 400 },
      { name: 'refuses events that are no list', ask, json: watch({ events: 'created' }), status: 400 },
      { name: 'refuses to look all the time', ask, json: watch({ interval: 0 }), status: 400, shows: ['interval'] },
      { name: 'refuses what cannot be set', ask, json: watch({ status: 'paused' }), status: 400 },
      { name: 'refuses a container that is not there', ask, json: watch({ container: 'missing' }), status: 400 },
      {
        name: 'says when Swift does not answer',
        ask,
        json: watch({ container: 'silent' }),
        status: 500,
        has: { code: 'openstack_failed' },
      },
      {
        name: 'begins with what is new, looks every ten seconds, and tells of what is created or changed',
        ask,
        json: watch(),
        status: 201,
        has: {
          type: 'swift',
          container: 'in',
          prefix: null,
          events: ['created', 'changed'],
          interval: 10,
          status: 'running',
          function_version: 0,
          function_alias: null,
          project_id: 'red',
          name: null,
          last_polled_at: null,
          last_error: null,
        },
      },
      {
        name: 'takes an alias, a prefix, a name, events and an interval',
        ask,
        json: {
          type: 'swift',
          container: 'in',
          function_alias: 'live',
          prefix: 'p/',
          name: 'n',
          events: ['deleted'],
          interval: 1,
        },
        status: 201,
        has: { function_id: null, function_alias: 'live', prefix: 'p/', name: 'n', events: ['deleted'], interval: 1 },
      },
    ],
    prepare,
  )

  describe('without Keystone', () => {
    testRows([{ name: 'is refused', ask, json: watch(), status: 400, shows: ['Keystone'] }], () => prepare({}))
  })
})

describe('a source', () => {
  const one =
    (verb: string, which = 'mine') =>
    (made: Record<string, string>) =>
      `${verb} /v1/sources/${made[which]}`
  testRows(
    [
      { name: 'is shown to holders of a token', ask: one('GET'), as: 'nobody', status: 401 },
      { name: 'is not shown to another project', ask: one('GET', 'theirs'), status: 404 },
      { name: 'is named by its id', ask: 'GET /v1/sources/mine', status: 400 },
      { name: 'is not there when there is none', ask: `GET /v1/sources/${unknownId}`, status: 404 },
      { name: 'is shown', ask: one('GET'), status: 200, has: { container: 'in', status: 'running' } },
      { name: 'is shown to an admin', ask: one('GET', 'theirs'), as: 'admin', status: 200 },
      { name: 'of another project is not changed', ask: one('PUT', 'theirs'), json: {}, status: 404 },
      { name: 'has no other status', ask: one('PUT'), json: { status: 'done' }, status: 400 },
      { name: 'keeps its container', ask: one('PUT'), json: { container: 'x' }, status: 400 },
      {
        name: 'is paused',
        ask: one('PUT'),
        json: { status: 'paused', interval: null },
        status: 200,
        has: { status: 'paused', interval: 10 },
      },
      { name: 'tells of other things', ask: one('PUT'), json: { events: ['deleted'], interval: 5 }, status: 200 },
      { name: 'of another project is not deleted', ask: one('DELETE', 'theirs'), status: 404 },
      { name: 'is deleted', ask: one('DELETE'), status: 204 },
      { name: 'is listed', ask: 'GET /v1/sources', status: 200, shows: ['"container":"in"'] },
      { name: 'is listed to its project', ask: 'GET /v1/sources?all_projects=true', status: 403 },
      { name: 'is listed to admins of all', ask: 'GET /v1/sources?all_projects=true', as: 'admin', status: 200 },
    ],
    prepare,
  )

  test('keeps its function, and an alias that it goes through', async () => {
    const { app, made } = prepare()
    const kept = await app.request('DELETE', `/v1/functions/${made.own}`)
    expect(kept).toMatchObject({ status: 403, json: { code: 'in_use' } })
    await app.request('POST', '/v1/sources', { json: watch({ function_id: null, function_alias: 'live' }) })
    const alias = await app.request('DELETE', '/v1/aliases/live')
    expect(alias).toMatchObject({ status: 403, json: { code: 'in_use' } })
  })
})
