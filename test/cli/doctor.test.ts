import { expect, test } from 'vitest'
import { cliOf } from '../support/cli-run.ts'
import { answerJson, refuse, stubServer } from '../support/stub-server.ts'

/** `taibai doctor` against servers elsewhere: what is said of each, and how it ends. */

const healthy = {
  version: '0.0.1',
  now: new Date().toISOString(),
  state: 'ok',
  findings: [{ area: 'backups', state: 'ok', says: 'The last backup is of today.', remedy: null }],
}

async function doctorOf(answer: Parameters<typeof stubServer>[0]) {
  await using server = await stubServer(answer)
  return await cliOf({ url: server.url, token: 'tb_some' })(['doctor', '--json'])
}
const server = ({ json }: Awaited<ReturnType<typeof doctorOf>>) =>
  json.findings.find(({ area }: { area: string }) => area === 'server')

test('a server that is away is a problem, and code 1', async () => {
  const result = await cliOf({ url: 'http://127.0.0.1:1' })(['doctor', '--json'])
  expect(result.code).toBe(1)
  expect(server(result)).toMatchObject({ state: 'problem', remedy: expect.stringContaining('taibai up') })
})

test('a wrong token is a problem with its remedy', async () => {
  const result = await doctorOf((_request, response) => refuse(response, 401, 'unauthenticated', 'No.'))
  expect(result.code).toBe(1)
  expect(server(result)).toMatchObject({ state: 'problem', remedy: expect.stringContaining('TAIBAI_TOKEN') })
})

test('a token of a member is told what admins are told', async () => {
  const result = await doctorOf((_request, response) => refuse(response, 403, 'forbidden', 'No.'))
  expect(result.code).toBe(0)
  expect(server(result)).toMatchObject({ state: 'warning', says: expect.stringContaining('admins') })
})

test('an older server is reported, and so is one that is not Taibai', async () => {
  const old = await doctorOf((request, response) =>
    request.url === '/v1/runtimes'
      ? answerJson(response, { runtimes: [] })
      : refuse(response, 404, 'not_found', 'There is nothing at /v1/health.'),
  )
  expect(server(old)).toMatchObject({ state: 'warning', says: expect.stringMatching(/is older than this program/) })
  const other = await doctorOf((_request, response) => void response.writeHead(404).end('nginx'))
  expect(server(other)).toMatchObject({ state: 'problem', says: expect.stringMatching(/is not a Taibai/) })
})

test('a server that is well is code 0; its release is compared and its findings are shown', async () => {
  const result = await doctorOf((_request, response) => answerJson(response, healthy))
  expect(result.code).toBe(0)
  expect(server(result)).toMatchObject({ state: 'warning', says: expect.stringContaining('Taibai 0.0.1 answers') })
  expect(result.json.findings).toContainEqual(healthy.findings[0])
})

test('clocks that differ are told', async () => {
  const now = new Date(Date.now() - 60_000).toISOString()
  const { json } = await doctorOf((_request, response) => answerJson(response, { ...healthy, now }))
  const clock = json.findings.find(({ area }: { area: string }) => area === 'clock')
  expect(clock).toMatchObject({ state: 'warning', says: expect.stringMatching(/differ by -(59|60|61) s/) })
})

test('a command that the server does not know yet says which release does', async () => {
  await using server = await stubServer((_request, response) =>
    refuse(response, 404, 'not_found', 'There is nothing at /v1/backups.'),
  )
  const { code, stderr } = await cliOf({ url: server.url, token: 'tb_some' })(['backups'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/older than this program .*: it needs Taibai 1\.2\.3 or newer/)
})
