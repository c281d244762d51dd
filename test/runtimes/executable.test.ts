/** Programs and scripts in any language, which are started for each call. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { BindOptions, BoundWorker, Outcome } from '../support/conformance-harness.ts'
import { processHarness } from '../support/shim-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const runtime = fileURLToPath(new URL('../../runtimes/nodejs', import.meta.url))
const packages = mkdtempSync(join(tmpdir(), 'taibai-executable-'))
afterAll(() => rmSync(packages, { recursive: true, force: true }))

type Files = Record<string, string>

async function bind(script: string | Files, options: BindOptions = {}, mode = 0o755): Promise<BoundWorker> {
  const folder = mkdtempSync(join(packages, 'package-'))
  for (const [name, text] of Object.entries(typeof script === 'string' ? { main: script } : script)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
    chmodSync(join(folder, name), mode)
  }
  return await processHarness(runtime, folder).bind({ entry: 'main', signature: 'executable', ...options })
}

const bash = (text: string) => `#!/usr/bin/env bash\n${text}\n`
const valueIn = (outcome: Outcome) => (outcome.state === 'value' ? outcome.value : outcome)

describe('is started:', () => {
  test.each<[string, Files, string, number]>([
    ['an executable', { main: bash('echo there') }, 'main', 0o755],
    ['one with an ending, by its name without', { 'report.sh': bash('echo there') }, 'report', 0o755],
    ['one beside a folder of its name', { 'main.d/a': '', 'main.sh': bash('echo there') }, 'main', 0o755],
    ['a script beside a text of its name', { 'main.md': '# Main', 'main.sh': 'echo there' }, 'main', 0o644],
    ['a script, where all files are executable', { 'main.md': '# Main', 'main.sh': bash('echo there') }, 'main', 0o755],
    ['one in a folder', { 'bin/report': bash('echo there') }, './bin/report', 0o755],
    ['one whose entry names a callable as elsewhere', { 'report.sh': bash('echo there') }, 'report.main', 0o755],
    ['a script that is not executable, by its first line', { 'main.txt': '#!/bin/sh -e\necho there' }, 'main', 0o644],
    ['a shell script without a first line', { 'main.sh': '[[ -n there ]] && echo there' }, 'main', 0o644],
    ['a script in another language', { main: '#!/usr/bin/env perl\nprint "there\\n"' }, 'main', 0o755],
  ])('%s', async (_what, files, entry, mode) => {
    await using worker = await bind(files, { entry }, mode)
    expect(await worker.call().outcome).toMatchObject({ kind: 'text', value: 'there' })
  })

  test.each<[string, Files, string, RegExp]>([
    ['a file that is not there', { other: '' }, 'main', /no file "main"; found other/],
    ['one that is no program', { 'main.txt': 'text' }, 'main', /"main.txt" is not executable.*chmod \+x/],
    ['one outside of the package', { main: '' }, '../main', /no file of the package/],
    ['one of the machine', { main: '' }, '/bin/sh', /no file of the package/],
    ['nothing', { main: '' }, '', /no file of the package/],
  ])('not: %s', async (_what, files, entry, message) => {
    const binding = bind(files, { entry }, 0o644)
    await expect(binding).rejects.toMatchObject({ type: 'EntryNotFound', message: expect.stringMatching(message) })
  })

  test('the executable one of several with its name', async () => {
    const folder = mkdtempSync(join(packages, 'package-'))
    writeFileSync(join(folder, 'main.md'), '#!/bin/sh\necho text')
    writeFileSync(join(folder, 'main.run'), bash('echo there'), { mode: 0o755 })
    await using worker = await processHarness(runtime, folder).bind({ entry: 'main', signature: 'executable' })
    expect(valueIn(await worker.call().outcome)).toBe('there')
  })

  test('in the folder of its code, once for each call, several at a time', async () => {
    await using worker = await bind(bash('test -x ./main; cat; sleep 1'), { concurrency: 5 })
    const started = performance.now()
    const calls = ['a', 'b', 'c', 'd', 'e'].map((text) => worker.call(text).outcome)
    expect((await Promise.all(calls)).map(valueIn)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(performance.now() - started, 'one after the other they take 5 s').toBeLessThan(4900)
  })
})

describe('what goes in and out:', () => {
  test.each<[string, unknown, unknown]>([
    ['JSON', { a: [1, 'grüß'] }, { a: [1, 'grüß'] }],
    ['a text', 'grüß\n\n', 'grüß\n'],
    ['bytes', Buffer.from([0, 255, 10]), Buffer.from([0, 255, 10])],
    ['nothing', undefined, null],
    ['a lot', 'x'.repeat(3_000_000), 'x'.repeat(3_000_000)],
  ])('%s', async (_what, input, value) => {
    await using worker = await bind(bash('cat'))
    expect(valueIn(await worker.call(input).outcome)).toEqual(value)
  })

  test('the event need not be read', async () => {
    await using worker = await bind(bash('echo 42'))
    expect(await worker.call('x'.repeat(1_000_000)).outcome).toMatchObject({ kind: 'json', value: 42 })
  })

  test('standard error is the log of the call, with several of them', async () => {
    await using worker = await bind(bash('read tag; echo "$tag begins" >&2; sleep 0.1; echo "$tag ends" >&2'), {
      concurrency: 4,
    })
    const calls = ['a\n', 'b\n', 'c\n'].map((tag) => ({ tag: tag.trim(), call: worker.call(tag) }))
    for (const { tag, call } of calls) {
      await call.outcome
      expect(call.output).toEqual({ stdout: '', stderr: `${tag} begins\n${tag} ends\n` })
    }
  })

  test('what it leaves running is not waited for', async () => {
    await using worker = await bind(bash('sleep 20 & echo done'))
    expect(await worker.call().outcome).toMatchObject({ value: 'done' })
  })

  test('what it leaves running and printing is not waited for for long', async () => {
    await using worker = await bind(bash('(while sleep 0.01; do echo on; done) & echo done'))
    const outcome = await worker.call().outcome
    expect(outcome).toMatchObject({ state: 'value', value: expect.stringMatching(/^done/m) })
  })

  test('an answer that is too long ends it, with all that it has started', async () => {
    await using worker = await bind(bash('yes & echo $! >&2; wait'), { maxResultBytes: 100_000 })
    const call = worker.call()
    expect(await call.outcome).toMatchObject({ state: 'failed', type: 'ResultTooLarge' })
    const started = Number(call.output.stderr)
    await waitUntil('what it has started is gone', () => !runs(started))
  })

  test('nobody waits any more: it is ended', async () => {
    await using worker = await bind(bash('echo begun >&2; exec sleep 60'))
    const call = worker.call()
    await waitUntil('it runs', async () => call.output.stderr !== '', 10_000)
    call.cancel()
    expect(await call.outcome).toMatchObject({ state: 'failed', message: expect.stringContaining('SIGKILL') })
  })
})

describe('fails with', () => {
  test.each([
    ['an exit status', 'echo first >&2; echo "disk full" >&2; exit 3', 'ended with exit status 3: disk full'],
    ['what was said in pieces', 'echo first >&2; sleep 0.3; echo "disk full" >&2; exit 3', 'status 3: disk full'],
    ['a signal', 'kill -SEGV $$', 'was ended by SIGSEGV'],
  ])('%s', async (_what, script, message) => {
    await using worker = await bind(bash(script))
    expect(await worker.call().outcome).toMatchObject({
      state: 'failed',
      type: 'ExitStatus',
      message: expect.stringContaining(message),
    })
  })

  test('an interpreter that there is not', async () => {
    await using worker = await bind('#!/no/such/thing\n')
    expect(await worker.call().outcome).toMatchObject({ state: 'failed', message: expect.stringMatching(/ENOENT/) })
  })
})

describe('the environment has', () => {
  const shown = async (worker: BoundWorker, options = {}) =>
    String(valueIn(await worker.call(undefined, options).outcome))

  test('what the call is, and what the function has', async () => {
    const api = { url: 'http://server:7070', token: 'tb_fn_x' }
    await using worker = await bind(bash('env'), { env: { GREETING: 'grüß' }, api })
    const text = await shown(worker, { executionId: 'e-7', trigger: 'job', deadlineMs: 1_893_456_000_000 })
    const expected = { NAME: 'conformance', VERSION: '3', PROJECT_ID: 'p-1', EXECUTION_ID: 'e-7', TRIGGER: 'job' }
    for (const [name, value] of Object.entries(expected)) expect(text).toContain(`FN_${name}=${value}\n`)
    expect(text).toContain('FN_DEADLINE_MS=1893456000000\n')
    expect(text).toContain('GREETING=grüß\n')
    expect(text).toContain('TAIBAI_URL=http://server:7070\n')
    expect(text).toContain('TAIBAI_TOKEN=tb_fn_x.e-7\n')
    expect(text).not.toContain('TAIBAI_SOCKET')
  })

  test('the request of a webhook, by the names of CGI', async () => {
    await using worker = await bind(bash('env'))
    const headers: [string, string][] = [
      ['content-type', 'text/plain'],
      ['x-signature', 's'],
      ['x-signature', 't'],
      ['proxy', 'http://attacker'],
    ]
    const text = await shown(worker, { http: { method: 'POST', target: '/?a=1&b', url: 'https://x/', headers } })
    for (const line of [
      'REQUEST_METHOD=POST',
      'QUERY_STRING=a=1&b',
      'CONTENT_TYPE=text/plain',
      'HTTP_X_SIGNATURE=s, t',
    ])
      expect(text).toContain(`${line}\n`)
    expect(text).not.toContain('HTTP_PROXY')
  })
})

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
