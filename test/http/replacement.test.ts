/** What platforms make anew keeps all that its caller did not name: every field there is, whoever adds one. */
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Fn } from '../../src/domain/functions/function.ts'
import type { FunctionFields } from '../../src/services/functions/function-fields.ts'
import { replacementRuleOf, retainedFieldsOf } from '../../src/services/functions/replacement.ts'
import { aFn, aRuntime } from '../support/builders.ts'
import { makeTestApp, type TestApp } from '../support/test-app.ts'

/** A value other than the default for every field. */
const unusual: Required<FunctionFields> = {
  name: 'cows',
  description: 'makes cows',
  entry: 'other.other',
  timeoutSeconds: 7,
  cpuMillicpu: 200,
  memoryBytes: 200 * 1024 * 1024,
  signature: 'http',
  env: { A: '1' },
  secrets: [{ name: 'key', as: 'env', to: 'KEY' }],
  maxRunning: 3,
  maxRate: 2,
  maxGbSecondsPerDay: 40,
  sandbox: 'runc',
  record: 'summary',
  concurrency: 4,
  minWorkers: 1,
  maxWorkers: 5,
  idleTimeoutSeconds: 60,
  network: 'egress',
  api: true,
  cpuMaxMillicpu: 300,
  tmpSizeBytes: 8 * 1024 * 1024,
  writable: ['/data'],
  access: 'public',
  cors: { origins: ['https://shop.example'], methods: null, headers: null, credentials: false },
  hosts: ['cows.apps.example'],
  retries: { maxAttempts: 2 },
  onSuccess: { url: 'https://shop.example/done' },
  onFailure: { url: 'https://shop.example/failed' },
  placement: { disk: 'ssd' },
}
const fields = Object.keys(replacementRuleOf) as (keyof FunctionFields)[]

test('every field has a fate, and an unusual value here', () => {
  expect(Object.keys(unusual).sort()).toEqual([...fields].sort())
})

describe('A function that replaces another', () => {
  const fn: Fn = { ...aFn(), ...unusual }

  test.each(fields.filter((field) => replacementRuleOf[field] === 'kept'))('%s stays', (field) => {
    expect(retainedFieldsOf(fn, { isImage: false, said: [] })[field]).toEqual(unusual[field])
  })

  test.each(fields.filter((field) => replacementRuleOf[field] !== 'kept'))('%s does not stay', (field) => {
    expect(retainedFieldsOf(fn, { isImage: false, said: [] })[field]).toBeUndefined()
  })

  test('fields of the other platform are reset to their defaults; folders belong to images', () => {
    const kept = retainedFieldsOf(fn, { isImage: true, said: ['env'] })
    expect([kept.env, kept.writable, kept.maxRate]).toEqual([undefined, ['/data'], 2])
  })
})

describe('What is made anew by', () => {
  let app: TestApp
  beforeEach(() => {
    app = makeTestApp()
    for (const name of ['nodejs', 'python3']) app.stores.runtimes.insert(aRuntime({ name, image: name }))
  })
  /** What stays, as the row has it afterwards. */
  const expectKept = (before: Fn, said: (keyof FunctionFields)[]) => {
    const after = app.stores.functions.findByName(before.projectId, before.name as string) as Fn
    expect(after.id).not.toBe(before.id)
    expect(app.stores.functions.find(before.id)).toBeNull()
    const kept = fields.filter(
      (field) => ['kept', 'unique'].includes(replacementRuleOf[field]) && !said.includes(field),
    )
    for (const field of kept) expect({ [field]: after[field] }).toEqual({ [field]: before[field] })
  }
  /** Past all checks: values that go together with each other, of whatever kind the function is. */
  const unusualRow = (name: string, more: Partial<Fn>): Fn => {
    const fn = app.stores.functions.list(null).find((one) => one.name === name) as Fn
    const row: Fn = { ...fn, ...unusual, name, entry: fn.entry, signature: fn.signature, ...more }
    app.stores.functions.update(row)
    return row
  }

  /** A crash is between two writes: after each of them there is a function of that name, and none beside it. */
  const expectAlwaysThere = (name: string) => {
    const { functions } = app.stores
    const seen: (string | null)[][] = []
    for (const write of ['insert', 'update', 'delete', 'replace'] as const) {
      const real = functions[write].bind(functions) as (...given: unknown[]) => unknown
      vi.spyOn(functions, write).mockImplementation(((...given: unknown[]) => {
        const done = real(...given)
        seen.push(functions.list(null).map((fn) => fn.name))
        return done
      }) as never)
    }
    return () => {
      expect(seen.length).toBeGreaterThan(0)
      for (const names of seen) expect(names).toEqual([name])
    }
  }

  const expectStatus = (status: number, answer: { status: number; text: string }) =>
    expect([answer.status, answer.text]).toEqual([status, expect.anything()])

  test('OpenFaaS', async () => {
    const image = 'ghcr.io/openfaas/cows:latest'
    const deploy = (method: string, more: object) =>
      app.request(method, '/system/functions', { json: { service: 'cows', image, ...more } })
    expectStatus(202, await deploy('POST', {}))
    const before = unusualRow('cows', { secrets: [], placement: {} })
    const check = expectAlwaysThere('cows')
    expectStatus(202, await deploy('PUT', { envVars: { B: '2' } }))
    check()
    expectKept(before, [
      ...(['env', 'timeoutSeconds', 'concurrency', 'minWorkers', 'maxWorkers'] as const),
      ...(['memoryBytes', 'cpuMillicpu', 'cpuMaxMillicpu'] as const),
    ])
  })

  test('OpenWhisk', async () => {
    const put = (kind: string, code: string) =>
      app.request('PUT', '/api/v1/namespaces/_/actions/cows?overwrite=true', { json: { exec: { kind, code } } })
    expectStatus(200, await put('nodejs:20', 'function main() {}'))
    const before = unusualRow('cows', { writable: [], secrets: [], placement: {} })
    const check = expectAlwaysThere('cows')
    expectStatus(200, await put('python:3', 'def main(args): return {}'))
    check()
    expectKept(before, ['env', 'timeoutSeconds', 'memoryBytes', 'concurrency', 'api'])
  })
})
