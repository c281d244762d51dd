import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployInLines } from '../support/built-packages.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { ServerProcess } from '../support/server-process.ts'

/** Packages whose lists name folders of their own. Package managers are downloaded: minutes, so only with TAIBAI_TEST_BUILDS=1. */

const isWanted = process.env.TAIBAI_TEST_BUILDS === '1'
if (!isWanted) console.warn('BUILDS OF FOLDERS are tried with TAIBAI_TEST_BUILDS=1 only.')

const describeBuilds = isWanted ? describeWithDocker : describe.skip

describeBuilds('A server installs', () => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await ServerProcess.start({ engine: 'docker' })
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  async function deployed(name: string, runtime: string, files: Record<string, string>) {
    const { output, end } = await deployInLines(server, name, runtime, files)
    expect(end.function, output + JSON.stringify(end)).toMatchObject({ name })
    return output
  }
  const call = (name: string, event: unknown = null) => server.ask('POST', `/fn/${name}`, { json: event })

  const usesOwn = { 'main.py': 'import own\ndef main(event, context): return [own.x, own.humanize.intcomma(event)]' }
  const own = {
    'own/own.py': 'import humanize\nx = 7\n',
    'own/pyproject.toml': '[project]\nname = "own"\nversion = "1"\n[tool.setuptools]\npy-modules = ["own"]\n',
  }
  test.each([
    [
      'requirements.txt, also editable ones',
      { 'requirements.txt': '-r more/list.txt\n', 'more/list.txt': 'humanize\n-e ./own\n' },
      'as ordinary ones',
    ],
    [
      'pyproject.toml of Poetry without a lock file',
      {
        'pyproject.toml':
          '[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\npython = "^3.11"\nhumanize = "^4.9"\nown = { path = "own", develop = true }\n',
      },
      'poetry export',
    ],
    [
      'Pipfile.lock',
      {
        Pipfile: '[packages]\nhumanize = "*"\nown = { path = "./own", editable = true }\n',
        'Pipfile.lock': JSON.stringify({
          _meta: { hash: { sha256: '' }, 'pipfile-spec': 6, requires: {}, sources: [] },
          default: {
            humanize: {
              hashes: ['sha256:b53caaec8532bcb2fff70c8826f904c35943f8cecaca29d272d9df38092736c0'],
              version: '==4.11.0',
            },
            own: { editable: true, path: './own' },
          },
          develop: {},
        }),
      },
      'pipenv requirements',
    ],
  ])(
    'what is named by %s',
    async (what, files, said) => {
      const name = `named-${what.split(/\W/)[0]}`
      expect(await deployed(name, 'python3', { ...usesOwn, ...own, ...files })).toContain(said)
      expect((await call(name, 12345)).json).toEqual([7, '12,345'])
    },
    900_000,
  )

  test('what scripts of the package make beside its modules, and the versions of its workspaces', async () => {
    const files = {
      'package.json': JSON.stringify({
        ...{ type: 'module', workspaces: ['lib'], scripts: { postinstall: 'echo 3 > made.json' } },
        dependencies: { ms: '2.1.3', lib: '1.0.0' },
      }),
      'lib/package.json': JSON.stringify({ name: 'lib', version: '1.0.0', dependencies: { ms: '2.0.0' } }),
      'lib/index.js': 'module.exports = require("ms/package.json").version',
      'main.mjs': `import lib from 'lib'
import made from './made.json' with { type: 'json' }
import own from 'ms/package.json' with { type: 'json' }
export const main = () => [made, lib, own.version]`,
    }
    await deployed('workspaces', 'nodejs', files)
    expect((await call('workspaces')).json).toEqual([3, '2.0.0', '2.1.3'])
  })
})
