import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askDocker, containersOf } from '../support/docker-api.ts'
import { engines } from '../support/engines.ts'
import { ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Secrets of a whole server: what functions see of them, and that nobody else does. */

const first = 'first-value-of-the-secret'
const second = 'second-value-of-the-secret'

const reader = {
  nodejs: `import { readFileSync, statSync } from 'node:fs'
    export const main = ({ file }) => file === undefined
      ? { value: process.env.DB_URL ?? null }
      : { text: readFileSync(file, 'utf8'), mode: statSync(file).mode & 0o777 }`,
  python3: `import os
def main(event, context):
    file = event.get('file')
    if file is None:
        return {'value': os.environ.get('DB_URL')}
    return {'text': open(file).read(), 'mode': os.stat(file).st_mode & 0o777}`,
}

for (const { engine, run, languages } of engines) {
  run(`Secrets of a server with the ${engine} engine`, () => {
    let server: ServerProcess
    beforeAll(async () => {
      server = await ServerProcess.start({ engine, settings: { TAIBAI_LOG_LEVEL: 'debug' } })
      await server.must('POST', '/v1/secrets', { json: { name: 'DB_URL', value: first } })
      for (const runtime of languages) {
        const secrets = ['DB_URL', { name: 'DB_URL', as: 'file', to: 'db.url' }]
        await server.deploy(`reader-${runtime}`, reader[runtime as keyof typeof reader], { runtime, secrets })
      }
    })
    afterAll(() => server?.[Symbol.asyncDispose]())

    const seen = async (name: string) => (await server.must('POST', `/fn/${name}`, { json: {} })).json.value
    const folder = engine === 'docker' ? '/run/secrets' : undefined

    test.each(languages)('are in the environment and in a file that only the function reads (%s)', async (runtime) => {
      expect(await seen(`reader-${runtime}`)).toBe(first)
      const [place] = folder === undefined ? globSync(join(server.data.path, 'workers/*/secrets')) : [folder]
      const file = await server.must('POST', `/fn/reader-${runtime}`, { json: { file: `${place}/db.url` } })
      expect(file.json).toEqual({ text: first, mode: 0o400 })
    })

    test('are replaced without a deploy: the next call sees the new value, or workers that run keep the old one', async () => {
      await server.must('PUT', '/v1/secrets/DB_URL', { json: { value: 'for-new-workers-only', workers: 'drain' } })
      expect(await seen('reader-nodejs')).toBe(first)
      await server.must('PUT', '/v1/secrets/DB_URL', { json: { value: second } })
      const answer = await server.must('POST', '/fn/reader-nodejs', { json: {} })
      expect(answer.json.value).toBe(second)
      expect(answer.headers.get('server-timing')).toContain('new_secret')
    })

    test('that are no longer bound are not seen any more', async () => {
      await server.deploy('unbound', reader.nodejs, { secrets: ['DB_URL'] })
      expect(await seen('unbound')).toBe(second)
      await server.must('PUT', '/v1/functions/unbound', { json: { secrets: [] } })
      expect(await seen('unbound')).toBeNull()
    })

    test('are in no answer, record, log, error, backup or file, and not in what the engine knows', async () => {
      const value = '--never-returned-by-a-function'
      await server.must('POST', '/v1/secrets', { json: { name: 'QUIET', value } })
      const file = { name: 'QUIET', as: 'file' }
      await server.deploy('silent', 'export const main = () => "nothing"', { secrets: ['QUIET', file] })
      // What Node.js says of a variable that it does not like repeats the variable.
      const options = [{ name: 'QUIET', as: 'env', to: 'NODE_OPTIONS' }]
      await server.deploy('broken', 'export const main = () => "nothing"', { secrets: options })
      await server.must('POST', '/fn/silent', { json: {} })
      const failed = await server.ask('POST', '/fn/broken', { json: {} })
      expect(failed).toMatchObject({ status: 502, json: { faultstring: expect.stringContaining('NODE_OPTIONS') } })
      const runs = (await server.must('GET', '/v1/executions')).json.executions as { id: string }[]
      const name = (await server.must('POST', '/v1/backups')).json.name
      const shown = [
        failed,
        ...(await Promise.all(runs.map(({ id }) => server.ask('GET', `/v1/executions/${id}/log`)))),
        ...(await Promise.all(everything(name).map((path) => server.must('GET', path)))),
      ]
      expect(shown.filter(({ bytes }) => bytes.includes(value.slice(2)))).toEqual([])
      expect(server.output).not.toContain(value.slice(2))
      // Without isolation a file in memory is not to be had.
      const found = filesWith(server.data.path, value).filter((path) => !path.endsWith('/secrets/QUIET'))
      expect(found).toEqual([])
      if (engine === 'docker') expect(await inspected(server)).not.toContain(value.slice(2))
    })
  })
}

const everything = (backup: string): string[] => [
  ...['/v1/functions', '/v1/functions/silent', '/v1/executions', '/v1/secrets', '/v1/secrets/QUIET', '/v1/stats'],
  ...['/metrics', '/openapi.json', `/v1/backups/${backup}`],
]

/** Files of the folder that hold the text. */
function filesWith(folder: string, text: string): string[] {
  return globSync('**/*', { cwd: folder }).filter((name) => {
    const path = join(folder, name)
    return existsSync(path) && statSync(path).isFile() && readFileSync(path).includes(text)
  })
}

async function inspected(server: ServerProcess): Promise<string> {
  const { id } = JSON.parse(readFileSync(join(server.data.path, 'instance.json'), 'utf8'))
  const containers = await waitUntil('there are containers', async () => {
    const found = await containersOf(id)
    return found.length > 0 ? found : undefined
  })
  const texts = await Promise.all(containers.map(({ Id }) => askDocker('GET', `/containers/${Id}/json`)))
  return JSON.stringify(texts)
}
