import { describe, expect, test } from 'vitest'
import { aFn, aJob, anAlias, aSource, aVersion, aWebhook } from '../support/builders.ts'
import { makeTestApp } from '../support/test-app.ts'

/** A function of red with a version, and one of everything that can hold either. */
function withHolders() {
  const app = makeTestApp()
  const fn = aFn({ projectId: 'red', name: 'held' })
  const target = { projectId: 'red', functionId: fn.id }
  const through = { projectId: 'red', functionId: null, functionVersion: null, functionAlias: 'live' }
  const { functions, aliases, jobs, webhooks, sources } = app.stores
  functions.insert(fn)
  functions.insertVersion(aVersion({ functionId: fn.id, projectId: 'red', number: 1 }))
  aliases.insert(anAlias({ ...target, name: 'live', functionVersion: 1 }))
  const rows = {
    job: aJob({ ...target, functionVersion: 1 }),
    hook: aWebhook({ ...target, functionVersion: 1 }),
    source: aSource({ ...target, functionVersion: 1 }),
    jobOfAlias: aJob(through),
    hookOfAlias: aWebhook(through),
    sourceOfAlias: aSource(through),
  }
  for (const job of [rows.job, rows.jobOfAlias]) jobs.insert(job)
  for (const hook of [rows.hook, rows.hookOfAlias]) webhooks.insert(hook)
  for (const source of [rows.source, rows.sourceOfAlias]) sources.insert(source)
  const left = () => ({
    jobs: jobs.list(null).length,
    webhooks: webhooks.list(null).length,
    sources: sources.list(null).length,
    aliases: aliases.list(null).length,
  })
  return { app, fn, rows, left }
}

const everything = { jobs: 2, webhooks: 2, sources: 2, aliases: 1 }
const nothing = { jobs: 0, webhooks: 0, sources: 0, aliases: 0 }

describe.each([
  { what: 'a function', path: '/v1/functions/held', names: ['job', 'hook', 'source'] as const, after: nothing },
  {
    what: 'a version',
    path: '/v1/functions/held/versions/1',
    names: ['job', 'hook', 'source'] as const,
    after: nothing,
  },
  {
    what: 'an alias',
    path: '/v1/aliases/live',
    names: ['jobOfAlias', 'hookOfAlias', 'sourceOfAlias'] as const,
    after: { jobs: 1, webhooks: 1, sources: 1, aliases: 0 },
  },
])('deleting $what that is held', ({ path, names, after }) => {
  test('is refused, with the dependents and the way to delete them too', async () => {
    const { app, rows, left } = withHolders()
    const { status, json } = await app.request('DELETE', path)
    expect(status).toBe(403)
    expect(json.code).toBe('in_use')
    for (const name of names) expect(json.faultstring).toContain(rows[name].id)
    expect(json.faultstring).toContain('?cascade=true')
    expect(left()).toEqual(everything)
  })

  test('is refused when cascade is neither yes nor no', async () => {
    const { app, left } = withHolders()
    expect((await app.request('DELETE', `${path}?cascade=maybe`)).status).toBe(400)
    expect((await app.request('DELETE', `${path}?cascade=false`)).status).toBe(403)
    expect(left()).toEqual(everything)
  })

  test('is refused to other projects, whatever they send', async () => {
    const { app, left } = withHolders()
    const { status } = await app.request('DELETE', `${path}?cascade=true`, { as: 'bob' })
    expect([400, 404]).toContain(status)
    expect(left()).toEqual(everything)
  })

  test('also deletes the dependents', async () => {
    const { app, left } = withHolders()
    expect((await app.request('DELETE', `${path}?cascade=true`)).status).toBe(204)
    expect(left()).toEqual(after)
    expect((await app.request('GET', path)).status).toBe(404)
  })
})

test('is refused because of dependents in other projects, without their ids', async () => {
  const { app, fn, left } = withHolders()
  const foreign = aJob({ projectId: 'ops', functionId: fn.id })
  app.stores.jobs.insert(foreign)
  const { status, json } = await app.request('DELETE', '/v1/functions/held?cascade=true')
  expect(status).toBe(403)
  expect(json.faultstring).toContain('1 of other projects')
  expect(json.faultstring).not.toContain(foreign.id)
  expect(left()).toEqual({ ...everything, jobs: 3 })
})
