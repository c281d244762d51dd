import { spawn } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/** A project of its own, and an npm that only notes that it was called and brings a Node.js. */
let project: string
const bootstrap = join(import.meta.dirname, '../../scripts/bootstrap.sh')
const fakeNpm = `#!/bin/sh
echo "$*" >>npm-calls
sleep 0.2
mkdir -p node_modules/.bin
ln -sf ${process.execPath} node_modules/.bin/node
`

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'taibai-bootstrap-'))
  mkdirSync(join(project, 'scripts'))
  mkdirSync(join(project, 'programs'))
  copyFileSync(bootstrap, join(project, 'scripts/bootstrap.sh'))
  writeFileSync(join(project, 'package-lock.json'), '1')
  writeFileSync(join(project, 'scripts/x.ts'), 'console.log(process.argv.slice(2)); process.exitCode = 7')
  symlinkSync(process.execPath, join(project, 'programs/node'))
  putPlainPrograms()
})
afterEach(() => rmSync(project, { recursive: true }))

describe('bootstrap.sh', () => {
  it('installs the packages once, although two start together, and passes arguments and exit code on', async () => {
    putNpm()
    const results = await Promise.all([start('a b'), start('c')])
    expect(results.map(({ code }) => code)).toEqual([7, 7])
    expect(results[0]?.output).toContain("[ 'a b' ]")
    expect(npmCalls()).toHaveLength(1)
    expect(npmCalls()[0]).toContain('ci --ignore-scripts')
  })

  it('runs where the caller is, and leaves the data folder with the project', async () => {
    putNpm()
    writeFileSync(join(project, 'scripts/x.ts'), 'console.log(process.cwd(), process.env.TAIBAI_DATA_DIR)')
    const place = join(project, 'programs')
    expect((await startWith(['--from', place, 'scripts/x.ts'])).output).toContain(`${place} ${join(project, 'data')}`)
  })

  it('installs again only when the lock file has changed', async () => {
    putNpm()
    await start()
    await start()
    expect(npmCalls()).toHaveLength(1)
    writeFileSync(join(project, 'package-lock.json'), '2')
    await start()
    expect(npmCalls()).toHaveLength(2)
  })

  it('says in a sentence that npm is missing', async () => {
    expect(await start()).toEqual({ code: 1, output: expect.stringMatching(/^npm is not installed\. .*\n$/) })
  })

  it('says in a sentence that Node.js is missing', async () => {
    rmSync(join(project, 'programs/node'))
    expect(await start()).toEqual({ code: 1, output: expect.stringMatching(/^Node\.js is not installed\. .*\n$/) })
  })

  it('stops when the packages cannot be installed', async () => {
    putNpm('#!/bin/sh\necho no network >&2\nexit 1\n')
    const { code, output } = await start()
    expect(code).toBe(1)
    expect(output).toMatch(/no network\nnpm could not install the packages/)
  })
})

function putNpm(script = fakeNpm): void {
  writeFileSync(join(project, 'programs/npm'), script)
  chmodSync(join(project, 'programs/npm'), 0o755)
}

function npmCalls(): string[] {
  return readFileSync(join(project, 'npm-calls'), 'utf8').trim().split('\n')
}

const start = (...args: string[]) => startWith(['scripts/x.ts', ...args])

function startWith(args: string[]): Promise<{ code: number | null; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; output: string }>()
  const env = { PATH: `${join(project, 'programs')}:${join(project, 'plain')}`, TMPDIR: project }
  const child = spawn('/bin/sh', ['scripts/bootstrap.sh', ...args], { cwd: project, env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  child.on('close', (code) => resolve({ code, output }))
  return promise
}

/** What every POSIX system has, without the Node.js and npm that lie beside it here. */
function putPlainPrograms(): void {
  mkdirSync(join(project, 'plain'))
  for (const name of ['dirname', 'cat', 'cksum', 'tr', 'grep', 'paste', 'mkdir', 'rm', 'sleep', 'ln', 'uname']) {
    symlinkSync(join('/usr/bin', name), join(project, 'plain', name))
  }
}
