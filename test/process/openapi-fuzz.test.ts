/** The API asked by a program that knows nothing but /openapi.json: no fault of ours, no answer that the document denies. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pythonPackages } from '../support/registry-packages.ts'
import { ServerProcess } from '../support/server-process.ts'

const { folder, problem } = pythonPackages(['schemathesis==4.32.5'])
if (problem !== null) console.warn(`NO FUZZER FOR THE API: its test is skipped. ${problem}`)

/** More by hand, and every limit of every field: `TAIBAI_TEST_FUZZ_CASES=50 TAIBAI_TEST_FUZZ_SEED=7 npm test -- openapi-fuzz`. */
const { TAIBAI_TEST_FUZZ_CASES: askedCases } = process.env
const casesPerEndpoint = askedCases ?? '3'
const phases = askedCases === undefined ? 'fuzzing' : 'coverage,fuzzing'
const seed = process.env.TAIBAI_TEST_FUZZ_SEED ?? '1'

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
]

/** What functions answer is theirs; pages are for people; streams have no end; images want a container engine. */
const notAsked = '^/(fn|docs|console|v1/events|v1/images)'

const atMostMs = 900_000

test.skipIf(problem !== null)(
  'the API answers what its document says, whatever it is asked',
  { timeout: atMostMs },
  async () => {
    await using server = await ServerProcess.start()
    const config = join(server.data.path, 'fuzzer.toml')
    writeFileSync(config, configOf(server.token, await somethingOfEach(server)))
    const { code, output } = await fuzz(
      ['--config-file', config, 'run', `${server.url}/openapi.json`],
      server.data.path,
    )
    expect(code, output).toBe(0)
    expect(server.log.filter(({ level }) => level >= 50)).toEqual([])
  },
)

/** One thing of each kind, so that not every answer is 404: path of the endpoints below it → id. */
async function somethingOfEach(server: ServerProcess): Promise<Record<string, string>> {
  const function_id = await server.deploy('fuzzed', 'export const main = (input) => input')
  const make = async (path: string, json: object) => (await server.must('POST', path, { json })).json
  const alias = await make('/v1/aliases', { name: 'live', function_id })
  const execution = await make('/v1/executions', { function_id, input: '{"a": 1}' })
  await server.must('POST', `/v1/functions/${function_id}/versions`, { json: {} })
  return {
    '/v1/functions/{id}': function_id,
    '/v1/aliases/{name}': alias.name,
    '/v1/executions/{id}': execution.id,
    '/v1/jobs/{id}': (await make('/v1/jobs', { function_id, pattern: '0 3 * * *' })).id,
    '/v1/webhooks/{id}': (await make('/v1/webhooks', { function_id })).id,
    '/v1/secrets/{name}': (await make('/v1/secrets', { name: 'fuzzed', value: 'hidden' })).name,
  }
}

/** What is deleted is made up, so that the things stay until the end. */
function configOf(token: string, things: Record<string, string>): string {
  const operations = Object.entries(things).map(([path, id]) => {
    const [name] = /(?<=\{)\w+/.exec(path) as RegExpExecArray
    const pattern = `^${path.replace(/\{\w+\}/, '\\{\\w+\\}')}`
    return `[[operations]]\ninclude-path-regex = '${pattern}'\nexclude-method = "DELETE"\nparameters = { "path.${name}" = "${id}" }\n`
  })
  return `[headers]\nX-Auth-Token = "${token}"\n${operations.join('')}`
}

async function fuzz(args: string[], cwd: string): Promise<{ code: number | null; output: string }> {
  const program = 'from schemathesis.cli import schemathesis; schemathesis()'
  const rest = [
    ...['--checks', checks.join(','), '--exclude-path-regex', notAsked, '--phases', phases, '--seed', seed],
    ...['--max-examples', casesPerEndpoint, '--suppress-health-check', 'all', '--warnings', 'off', '--no-color'],
    ...['--continue-on-failure', '--request-timeout', '60'],
    // Threads of one Python share how deep its compiler is, and fail each other: "AST constructor recursion depth mismatch".
    ...['--workers', '1'],
  ]
  const child = spawn('python3', ['-c', program, ...args, ...rest], {
    cwd,
    env: { ...process.env, PYTHONPATH: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, output }
}
