import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DataFolder } from '../support/data-folder.ts'
import { ended } from '../support/executions-of.ts'
import { fixtureActions } from '../support/fixture-functions.ts'
import { ServerProcess } from '../support/server-process.ts'

/** Who may call a whole server, and what its log never says. */

const secrets = {
  env: 'value-of-an-environment-variable',
  input: 'said-by-a-caller',
  async: 'said-by-a-caller-who-does-not-wait',
  webhook: 'said-to-a-webhook',
  query: 'said-in-a-query',
  job: 'said-by-a-job',
  output: 'returned-by-a-function',
  printed: 'printed-by-a-function',
  header: 'Bearer for-the-function-only',
}

describe('A server with tokens', () => {
  const data = new DataFolder()
  let server: ServerProcess
  let red: { id: string; token: string }
  let blue: { id: string; token: string }
  beforeAll(async () => {
    server = await ServerProcess.start({ data, settings: { TAIBAI_LOG_LEVEL: 'debug' } })
    red = await newToken({ name: 'red', project_id: 'red' })
    blue = await newToken({ name: 'blue', project_id: 'blue' })
    await server.deploy('shared-name', fixtureActions.nodejs)
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await data[Symbol.asyncDispose]()
  })

  const newToken = async (asked: object) => (await server.must('POST', '/v1/tokens', { json: asked })).json
  const inline = (content: string) => ({ source: 'inline', filename: 'main.mjs', content })

  test('refuses who has none, on every path that is not open to all', async () => {
    const paths = ['/v1/functions', '/v1/executions', '/v1/jobs', '/v1/runtimes', '/v1/tokens', '/fn/shared-name']
    const wrong: Record<string, string>[] = [
      {},
      { 'X-Auth-Token': 'tb_wrong' },
      { Authorization: 'Bearer tb_wrong' },
      { Authorization: server.token },
    ]
    for (const path of paths) {
      for (const headers of wrong) {
        const answer = await server.ask('GET', path, { token: null, headers })
        expect(answer, path).toMatchObject({ status: 401, json: { code: 'unauthenticated' } })
        expect(answer.headers.get('content-type')).toBe('application/json')
      }
    }
    for (const path of ['/', '/v1/', '/healthz', '/readyz', '/openapi.json']) {
      expect((await server.ask('GET', path, { token: null })).status, path).toBe(200)
    }
  })

  test('refuses what only admins may do', async () => {
    const { token } = red
    for (const [method, path] of [
      ['GET', '/v1/tokens'],
      ['POST', '/v1/tokens'],
      ['GET', '/v1/functions?all_projects=true'],
    ] as const) {
      const json = method === 'POST' ? { name: 'mine' } : undefined
      const answer = await server.ask(method, path, { token, json })
      expect(answer).toMatchObject({ status: 403, json: { code: 'forbidden' } })
      expect(answer.json.faultstring).toContain('Operation not allowed')
    }
    expect(await server.ask('DELETE', `/v1/tokens/${blue.id}`, { token })).toMatchObject({ status: 403 })
  })

  test('keeps projects apart: functions, executions, webhooks and jobs', async () => {
    const deploy = (who: { token: string }, result: string) =>
      server.must('POST', '/v1/functions', {
        token: who.token,
        json: { name: 'shared-name', runtime: 'nodejs', code: inline(`export const main = () => '${result}'`) },
      })
    const ofRed = (await deploy(red, 'of red')).json
    const ofBlue = (await deploy(blue, 'of blue')).json
    expect((await server.must('POST', '/fn/shared-name', { token: red.token })).text).toBe('of red')
    const called = await server.must('POST', '/fn/shared-name', { token: blue.token })
    expect(called.text).toBe('of blue')
    const { json: hook } = await server.must('POST', '/v1/webhooks', {
      token: blue.token,
      json: { function_id: ofBlue.id },
    })
    const { json: job } = await server.must('POST', '/v1/jobs', {
      token: blue.token,
      json: { function_id: ofBlue.id, pattern: '0 0 1 1 *' },
    })
    const theirs = [
      `/v1/functions/${ofBlue.id}`,
      `/v1/functions/${ofBlue.id}?download=true`,
      `/v1/executions/${called.headers.get('x-execution-id')}`,
      `/v1/executions/${called.headers.get('x-execution-id')}/log`,
      `/v1/webhooks/${hook.id}`,
      `/v1/jobs/${job.id}`,
    ]
    for (const path of theirs) {
      expect((await server.ask('GET', path, { token: red.token })).status, path).toBe(404)
      expect((await server.ask('GET', path)).status, path).toBeLessThan(300)
    }
    expect((await server.ask('POST', `/fn/${ofBlue.id}`, { token: red.token })).status).toBe(404)
    expect((await server.ask('DELETE', `/v1/functions/${ofBlue.id}`, { token: red.token })).status).toBe(404)
    const listed = (await server.must('GET', '/v1/functions', { token: red.token })).json.functions
    expect(listed.map(({ id }: { id: string }) => id)).toEqual([ofRed.id])
    const everybodys = (await server.must('GET', '/v1/functions?all_projects=true')).json.functions
    expect(everybodys.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining([ofRed.id, ofBlue.id]))
  })

  test('takes a token either way, until it ends or is taken back', async () => {
    const short = await newToken({ name: 'short', expires_in: 1 })
    const bearer = (token: string) => ({ token: null, headers: { Authorization: `Bearer ${token}` } })
    expect((await server.ask('GET', '/v1/functions', bearer(red.token))).status).toBe(200)
    expect((await server.ask('GET', '/v1/functions', { token: red.token })).status).toBe(200)
    const back = await newToken({ name: 'back' })
    expect((await server.ask('GET', '/v1/functions', { token: back.token })).status).toBe(200)
    await server.must('DELETE', `/v1/tokens/${back.id}`)
    expect((await server.ask('GET', '/v1/functions', { token: back.token })).status).toBe(401)
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, Date.parse(short.expires_at) + 1000 - Date.now())))
    expect((await server.ask('GET', '/v1/functions', { token: short.token })).status).toBe(401)
  })

  test('runs functions on what is said, and its log says none of it', async () => {
    await server.deploy('discreet', fixtureActions.nodejs, { env: { SECRET: secrets.env } })
    const asked = (deed: object) => ({ json: deed, headers: { Authorization: secrets.header } })
    await server.must('POST', '/fn/discreet', asked({ do: 'echo', value: secrets.input }))
    await server.must('POST', '/fn/discreet', asked({ do: 'print', stdout: secrets.printed }))
    await server.ask('GET', `/fn/discreet?key=${secrets.query}`)
    for (const path of ['/fn/nobody', '/v1/functions/nobody', '/nowhere']) {
      await server.ask('GET', `${path}?key=${secrets.query}`)
    }
    await server.ask('POST', '/fn/discreet', asked({ do: 'throw', message: secrets.output }))
    await server.ask('POST', '/fn/discreet', {
      body: `{"do": "${secrets.input}`,
      headers: { 'Content-Type': 'application/json' },
    })
    await server.ask('POST', '/v1/functions', { json: { name: 'bad name', env: { SECRET: secrets.env } } })
    const execution = {
      function_id: 'discreet',
      input: JSON.stringify({ do: 'echo', value: secrets.async }),
      sync: false,
    }
    await ended(server, (await server.must('POST', '/v1/executions', { json: execution })).json.id)
    const hook = (await server.must('POST', '/v1/webhooks', { json: { function_id: 'discreet' } })).json
    const called = await server.must('POST', `/v1/webhooks/${hook.id}/invoke?do=echo&value=${secrets.webhook}`, {
      token: null,
    })
    await ended(server, called.json.execution_id)
    const job = {
      function_id: 'discreet',
      pattern: '* * * * * *',
      function_input: JSON.stringify({ do: 'echo', value: secrets.job }),
      count: 1,
    }
    await server.must('POST', '/v1/jobs', { json: job })
    await expect
      .poll(
        async () =>
          (await server.must('GET', '/v1/executions?description=has:Job&status=success')).json.executions.length,
        { timeout: 20_000 },
      )
      .toBe(1)

    const tokens = [server.token, red.token, blue.token]
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(server.log.filter(({ msg }) => msg === 'execution ended').length).toBeGreaterThan(5)
    for (const secret of [...Object.values(secrets), ...tokens]) expect(server.output).not.toContain(secret)
  })

  test('knows its tokens after a new start; one that the operator sets takes the place of the file', async () => {
    const adminToken = server.token
    await using again = await ServerProcess.start({ data })
    expect(again.token).toBe(adminToken)
    expect((await again.ask('GET', '/v1/tokens')).status).toBe(200)
    expect(await again.ask('POST', '/fn/shared-name', { token: red.token })).toMatchObject({
      status: 200,
      text: 'of red',
    })
    await again.stop()

    await using fresh = new DataFolder()
    const token = 'a-token-of-the-operator'
    await using set = await ServerProcess.start({ data: fresh, settings: { TAIBAI_ADMIN_TOKEN: token } })
    expect((await set.ask('GET', '/v1/tokens', { token })).status).toBe(200)
    expect(existsSync(join(fresh.path, 'admin.token'))).toBe(false)
    expect(set.output).not.toContain(token)
  })
})
