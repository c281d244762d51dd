/** The unmodified npm client of OpenWhisk against a whole server: real workers, and an action image where there is an engine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import openwhisk from 'openwhisk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cliOf } from '../support/cli-run.ts'
import { builtImages } from '../support/docker-images.ts'
import { ServerProcess } from '../support/server-process.ts'

let server: ServerProcess
let client: openwhisk.Client
beforeAll(async () => {
  server = await ServerProcess.start({ engine: 'docker' })
  client = openwhisk({ apihost: server.url, api_key: `any:${server.token}`, namespace: '_' })
})
afterAll(() => server?.[Symbol.asyncDispose]())

const invoke = (name: string, params: object = {}) =>
  client.actions.invoke({ name, params, blocking: true, result: true })

describe('actions', () => {
  test('of both languages run, and their logs are there', async () => {
    await client.actions.create({
      name: 'js',
      action: 'function main(p) { console.log("js", p.n); return { n: p.n + 1 } }',
    })
    const python = 'def main(p):\n  print("py", p["n"])\n  return {"n": p["n"] * 10}'
    await client.actions.create({ name: 'py', action: python, kind: 'python:3' })
    expect(await invoke('js', { n: 1 })).toEqual({ n: 2 })
    const made = await client.actions.invoke({ name: 'py', params: { n: 2 }, blocking: true })
    expect(made).toMatchObject({ response: { result: { n: 20 } }, logs: [expect.stringMatching(/stdout: py 2$/)] })
  })

  test('make a sequence, whose activations name it', async () => {
    await client.actions.create({ name: 'both', sequence: ['/_/js', '/_/py'] } as never)
    const made = await client.actions.invoke({ name: 'both', params: { n: 1 }, blocking: true })
    expect(made.response).toMatchObject({ success: true, result: { n: 20 } })
    expect(made.logs).toHaveLength(2)
    const [first] = made.logs as string[]
    await expect
      .poll(() => client.activations.get(String(first)).catch(() => null))
      .toMatchObject({ name: 'js', cause: made.activationId })
  })

  test('answer the web', async () => {
    const action = 'const main = ({ name, __ow_method: m }) => ({ body: "<b>" + m + " " + name + "</b>" })'
    await client.actions.create({ name: 'page', action, annotations: { 'web-export': true } })
    const page = await fetch(`${server.url}/api/v1/web/_/default/page?name=Jane`)
    expect([page.status, await page.text()]).toEqual([200, '<b>get Jane</b>'])
  })

  test('call others with the npm client’s own variables', async () => {
    const action = `async function main() {
      const { __OW_API_HOST: host, __OW_API_KEY: key } = process.env
      const answer = await fetch(host + '/api/v1/namespaces/_/actions/js?blocking=true&result=true', {
        method: 'POST', headers: { Authorization: 'Basic ' + btoa(key) }, body: '{"n":5}' })
      return answer.json()
    }`
    await client.actions.create({ name: 'caller', action, annotations: { 'provide-api-key': true } })
    expect(await invoke('caller')).toEqual({ n: 6 })
  })

  test('run when their trigger is fired', async () => {
    await client.triggers.create({ name: 'tick' })
    await client.rules.create({ name: 'rule', trigger: 'tick', action: 'js' })
    const { activationId } = await client.triggers.invoke({ name: 'tick', params: { n: 7 } })
    await expect
      .poll(() => client.activations.result({ name: activationId }).catch(() => null), { timeout: 20_000 })
      .toMatchObject({ result: { n: 8 } })
  })
})

test('a manifest of wskdeploy is deployed whole: web actions, sequences, triggers with alarms, and rules', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-wskdeploy-'))
  const manifest = (secret: string) => `
packages:
  shop:
    actions:
      greet:
        function: greet.js
        web: true
        inputs: {place: Xi}
        limits: {timeout: 20000, memorySize: 128}
        annotations: {require-whisk-auth: ${secret}}
    sequences: {twice: {actions: 'greet, greet'}}
    triggers: {dawn: {feed: /whisk.system/alarms/alarm, inputs: {cron: 0 6 * * *}}}
    rules: {early: {trigger: dawn, action: greet}}
`
  writeFileSync(join(folder, 'manifest.yaml'), manifest('first'))
  writeFileSync(join(folder, 'greet.js'), 'function main(p) { return { hello: p.name, from: p.place } }')
  const run = cliOf({ url: server.url, token: server.token })
  const deployed = await run(['deploy', folder])
  expect([deployed.code, deployed.stderr]).toEqual([0, expect.stringContaining('a manifest of wskdeploy')])
  const called = await server.must('POST', '/fn/shop--greet', { json: { name: 'Li' } })
  expect(called.json).toEqual({ hello: 'Li', from: 'Xi' })
  expect(await invoke('shop/greet', { name: 'Du' })).toEqual({ hello: 'Du', from: 'Xi' })
  expect(await invoke('shop/twice', { name: 'Du' })).toEqual({ from: 'Xi' })
  const web = (secret: string) =>
    server.ask('GET', '/api/v1/web/_/shop/greet.json?name=Wei', { headers: { 'X-Require-Whisk-Auth': secret } })
  expect([(await web('no')).status, (await web('first')).json]).toEqual([401, { hello: 'Wei', from: 'Xi' }])
  const { jobs } = (await server.must('GET', '/v1/jobs')).json
  expect(jobs).toContainEqual(expect.objectContaining({ pattern: '0 6 * * *' }))
  expect((await run(['deploy', folder, '--json'])).json.steps).toEqual([])
  writeFileSync(join(folder, 'manifest.yaml'), manifest('second').replace('0 6 *', '0 7 *'))
  const { steps } = (await run(['deploy', folder, '--json'])).json
  expect(steps).toMatchObject([
    { kind: 'change', what: 'action shop/greet', details: ['annotations'] },
    { kind: 'change', what: 'trigger dawn', details: ['alarm'] },
  ])
  expect([(await web('first')).status, (await web('second')).status]).toEqual([401, 200])
  expect((await run(['deploy', folder, '--json'])).json.steps).toEqual([])
  rmSync(folder, { recursive: true })
})

describe('an action image', () => {
  const imageOf = builtImages('openwhisk')

  test('runs by itself, and with code beside it', async () => {
    const exec = { kind: 'blackbox', image: imageOf('openwhisk') }
    await put('own', { exec, parameters: [{ key: 'a', value: 1 }] })
    expect(await invoke('own', { b: 2 })).toMatchObject({
      params: { a: 1, b: 2 },
      seen: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    const code =
      'function main(p) { console.log("call", p.n); if (p.fail) throw new Error("asked"); return { n: p.n } }'
    await put('coded', { exec: { ...exec, code } })
    for (const n of [1, 2, 3]) {
      const made = await client.actions.invoke({ name: 'coded', params: { n }, blocking: true })
      expect(made).toMatchObject({
        response: { result: { n } },
        logs: [expect.stringMatching(new RegExp(`call ${n}$`))],
      })
    }
    await expect(
      client.actions.invoke({ name: 'coded', params: { fail: true }, blocking: true }),
    ).rejects.toMatchObject({
      error: { response: { status: 'action developer error', result: { error: expect.stringContaining('asked') } } },
    })
  })

  test('says why it could not begin', async () => {
    await put('broken', { exec: { kind: 'blackbox', image: imageOf('openwhisk'), code: 'function main( {' } })
    await expect(client.actions.invoke({ name: 'broken', blocking: true })).rejects.toMatchObject({
      error: { response: { result: { error: expect.stringMatching(/Initialization has failed.*SyntaxError/) } } },
    })
  })

  const put = (name: string, json: object) => server.must('PUT', `/api/v1/namespaces/_/actions/${name}`, { json })
})
