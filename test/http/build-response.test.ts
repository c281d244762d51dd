import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { silentLog } from '../../src/domain/runs/log.ts'
import { deploymentAnswer, linesType } from '../../src/http/builds/build-response.ts'
import { RefusalCounters } from '../../src/http/error-response.ts'
import type { Ctx } from '../../src/http/request-context.ts'
import type { DeploymentBuildOptions } from '../../src/services/functions/running-builds.ts'
import { aBuild } from '../support/builders.ts'

/** The line-by-line response to a caller who does not read while a build prints. */

const asked = { mode: null, bundle: false, wait: { ms: null, applied: null } }

test('Output that nobody reads is dropped above a limit, and the end of the build is not', async () => {
  const app = new Hono()
  const told = { log: silentLog, refusals: new RefusalCounters() }
  const deploy = async ({ onBegun, onOutput }: DeploymentBuildOptions) => {
    onBegun?.(aBuild())
    for (let at = 0; at < 20_000; at++) onOutput?.('x'.repeat(1000))
    await new Promise((resolve) => setImmediate(resolve))
    return { status: 200 as const, json: { name: 'web' } }
  }
  app.get('/', (c) => deploymentAnswer(c as unknown as Ctx, asked, deploy, told))
  const text = await (await app.request('/', { headers: { Accept: linesType } })).text()
  expect(text.length).toBeLessThan(2 * 1024 * 1024)
  const [leftOut, end] = text.trim().split('\n').slice(-2)
  expect(JSON.parse(leftOut ?? '')).toEqual({ output: '\n[…]\n' })
  expect(JSON.parse(end ?? '')).toEqual({ function: { name: 'web' } })
})

test('A server error at the end of a response that has begun is counted and logged like any other', async () => {
  const app = new Hono()
  const logged: unknown[] = []
  const told = {
    log: { ...silentLog, error: (keys: object) => void logged.push(keys) },
    refusals: new RefusalCounters(),
  }
  const deploy = async ({ onBegun, onOutput }: DeploymentBuildOptions) => {
    onBegun?.(aBuild())
    onOutput?.('begun\n')
    await new Promise((resolve) => setImmediate(resolve))
    throw new Error('the disk is on fire')
  }
  app.get('/', (c) => deploymentAnswer(c as unknown as Ctx, asked, deploy, told))
  const text = await (await app.request('/', { headers: { Accept: linesType } })).text()
  expect(JSON.parse(text.trim().split('\n').at(-1) ?? '').error).toMatchObject({ code: 'internal' })
  expect([...told.refusals.entries()]).toEqual([['internal', 1]])
  expect(logged).toMatchObject([{ code: 'internal', err: new Error('the disk is on fire') }])
})
