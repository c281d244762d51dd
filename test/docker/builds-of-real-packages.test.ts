import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployInLines, fixtureFiles } from '../support/built-packages.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { ServerProcess } from '../support/server-process.ts'

/** Packages that people use, by every package manager: minutes and hundreds of megabytes, so only with TAIBAI_TEST_BUILDS=1. */

const isWanted = process.env.TAIBAI_TEST_BUILDS === '1'
if (!isWanted) console.warn('BUILDS OF REAL PACKAGES are tried with TAIBAI_TEST_BUILDS=1 only.')
const describeBuilds = isWanted ? describeWithDocker : describe.skip

/** Its image has the compiler: TAIBAI_RUNTIMES=go npm run build:runtimes makes it. */
const isGoThere = (process.env.TAIBAI_RUNTIMES ?? '').split(',').includes('go')

describeBuilds('A server installs', () => {
  let server: ServerProcess
  beforeAll(async () => {
    const settings: Record<string, string> = isGoThere ? { TAIBAI_RUNTIMES: 'go' } : {}
    server = await ServerProcess.start({ engine: 'docker', settings })
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  async function deployed(name: string, runtime: string, files: Record<string, string>, more = {}) {
    const { output, end } = await deployInLines(server, name, runtime, files, more)
    expect(end.function, output + JSON.stringify(end)).toMatchObject({ name })
    return output
  }
  const call = (name: string, event: unknown = null) => server.ask('POST', `/fn/${name}`, { json: event })
  const get = (path: string) => server.ask('GET', `/fn/${path}`)

  const {
    'yarn-1.lock': yarn1 = '',
    'yarn-4.lock': yarn4 = '',
    'pnpm-lock.yaml': pnpm = '',
    ...pg
  } = fixtureFiles('pg')
  test.each([
    ['pnpm', { 'pnpm-lock.yaml': pnpm }, '$ pnpm install --frozen-lockfile'],
    ['yarn 1', { 'yarn.lock': yarn1 }, '$ yarn install --frozen-lockfile'],
    ['yarn 4', { 'yarn.lock': yarn4 }, '$ yarn workspaces focus'],
    [
      'another pnpm, as packageManager says',
      {
        'pnpm-lock.yaml': pnpm,
        'package.json': JSON.stringify({ ...JSON.parse(pg['package.json'] ?? ''), packageManager: 'pnpm@9.15.4' }),
      },
      'pnpm@9.15.4',
    ],
    ['npm without a lock file', {}, 'There is no lock file'],
  ])('pg by %s', async (manager, lock, said) => {
    const name = `pg-${manager.replaceAll(/\W+/g, '-')}`
    expect(await deployed(name, 'nodejs', { ...pg, ...lock } as Record<string, string>)).toContain(said)
    expect((await call(name)).text).toBe('ECONNREFUSED')
  })

  test('a lock file that does not fit is an error in the words of its tool', async () => {
    const files = { ...pg, 'package.json': '{"dependencies": {"pg": "8.15.0"}}', 'pnpm-lock.yaml': pnpm }
    const { end } = await deployInLines(server, 'unfit', 'nodejs', files)
    expect(end.error.faultstring).toContain('ERR_PNPM_OUTDATED_LOCKFILE')
  })

  test('sharp, by npm', async () => {
    await deployed('sharp', 'nodejs', fixtureFiles('sharp'))
    expect((await call('sharp', { width: 30 })).json).toMatchObject({ format: 'png', width: 30 })
  })

  test('what the example image-resize needs', async () => {
    const example = new URL('../../runtimes/nodejs/examples/image-resize/', import.meta.url)
    const files = Object.fromEntries(
      ['main.mjs', 'package.json'].map((name) => [name, readFileSync(new URL(name, example), 'utf8')]),
    )
    await deployed('image-resize', 'nodejs', files, { signature: 'http', memory_size: 512 * 1024 * 1024 })
    const photo = '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="600"><rect width="9" height="9"/></svg>'
    const made = await server.ask('POST', '/fn/image-resize?width=320', { body: photo })
    expect([made.status, made.bytes.subarray(8, 12).toString()], made.text).toEqual([200, 'WEBP'])
  })

  test('numpy and pandas', async () => {
    const main = `import numpy, pandas
def main(event, context):
    frame = pandas.DataFrame({"n": numpy.arange(event)})
    return int(frame["n"].sum())`
    await deployed('frames', 'python3', { 'main.py': main, 'requirements.txt': 'numpy==2.3.5\npandas==2.3.3\n' })
    expect((await call('frames', 5)).json).toBe(10)
  })

  test('Flask, as pyproject.toml says', async () => {
    const main = `import flask
app = flask.Flask(__name__)
@app.get("/hello")
def hello(): return flask.jsonify(hello=flask.request.args["name"])`
    const project = '[project]\nname = "web"\nversion = "1"\ndependencies = ["flask==3.1.2"]\n'
    const http = { signature: 'http', entry: 'main.app' }
    await deployed('flask', 'python3', { 'main.py': main, 'pyproject.toml': project }, http)
    expect((await get('flask/hello?name=you')).json).toEqual({ hello: 'you' })
  })

  test('FastAPI, as uv has locked it', async () => {
    const main = `from fastapi import FastAPI
app = FastAPI()
@app.get("/items/{item}")
def item(item: int): return {"item": item}`
    const project =
      '[project]\nname = "web"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["fastapi==0.121.3"]\n'
    const files = { 'main.py': main, 'pyproject.toml': project, 'uv.lock': lockedBy(project) }
    const output = await deployed('fastapi', 'python3', files, { signature: 'http', entry: 'main.app' })
    expect(output).toContain('uv export --frozen')
    expect((await get('fastapi/items/7')).json).toEqual({ item: 7 })
    expect((await get('fastapi/items/x')).status).toBe(422)
  })

  describe.runIf(isGoThere)('and compiles, for Go,', () => {
    test('a program of AWS Lambda, which stays warm, with the modules that go.mod names', async () => {
      const files = {
        'go.mod': 'module example.org/hello\n\ngo 1.21\n\nrequire github.com/aws/aws-lambda-go v1.47.0\n',
        'cmd/hello/main.go': lambdaInGo,
      }
      const output = await deployed('lambda-go', 'provided', files)
      expect(output).toMatch(/There is no go\.sum[\s\S]*downloading github\.com\/aws\/aws-lambda-go v1\.47\.0/)
      const hello = { json: { name: 'Go' } }
      const answers = [await server.ask('POST', '/fn/lambda-go/a', hello), await get('lambda-go/b')]
      expect(answers.map(({ status, text }) => [status, text])).toEqual([
        [201, 'lambda-go /a 1'],
        [201, 'lambda-go /b 2'],
      ])
    })

    test('a function with modules, kept to its go.sum', async () => {
      const module = 'github.com/google/uuid v1.6.0'
      const files = {
        'go.mod': `module example.org/ids\n\ngo 1.21\n\nrequire ${module}\n`,
        'go.sum': `${module} h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\n${module}/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n`,
        'ids.go':
          'package ids\n\nimport "github.com/google/uuid"\n\nfunc Handler(text string) (uuid.UUID, error) { return uuid.Parse(text) }\n',
      }
      await deployed('ids', 'go', files)
      const id = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
      expect((await call('ids', `urn:uuid:${id}`)).json).toBe(id)
      const { end } = await deployInLines(server, 'forged', 'go', {
        ...files,
        'go.sum': String(files['go.sum']).replaceAll('h1:', 'h1:A'),
      })
      expect(end.error.faultstring).toContain('checksum mismatch')
    })
  })

  test('what TypeScript imports by the paths of its tsconfig, as one file', async () => {
    const files = {
      'package.json': '{"type": "module", "dependencies": {"is-number": "7.0.0"}}',
      'tsconfig.json': '{"compilerOptions": {"paths": {"@lib/*": ["./lib/*"]}}}',
      'main.ts': `import isNumber from 'is-number'
import { twice } from '@lib/twice'
export const main = (event: number): number | null => (isNumber(event) ? twice(event) : null)`,
      'lib/twice.ts': 'export const twice = (n: number): number => 2 * n',
    }
    await deployed('paths', 'nodejs', files, { bundle: 'true' })
    expect((await call('paths', 21)).json).toBe(42)
  })
})

const lambdaInGo = `package main

import (
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

var calls int

func handle(request events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
	calls++
	text := fmt.Sprint(lambdacontext.FunctionName, " ", request.RawPath, " ", calls)
	return events.LambdaFunctionURLResponse{StatusCode: 201, Body: text}, nil
}

func main() { lambda.Start(handle) }
`

/** By uv, from the registry of this machine. */
function lockedBy(project: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-uv-'))
  try {
    writeFileSync(join(folder, 'pyproject.toml'), project)
    const run = (program: string, ...args: string[]) => {
      const { status, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
    }
    run('python3', '-m', 'pip', 'install', '-q', '--target', join(folder, 'tools'), 'uv==0.13.9')
    run(join(folder, 'tools/bin/uv'), 'lock', '--python-preference', 'only-system', '--no-config')
    return readFileSync(join(folder, 'uv.lock'), 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
