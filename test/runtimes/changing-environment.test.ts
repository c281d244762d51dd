/** Variables whose value each call changes: functions and the programs that they start find them, and the C library does not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { processHarness } from '../support/shim-process.ts'

const packages = mkdtempSync(join(tmpdir(), 'taibai-environment-'))
afterAll(() => rmSync(packages, { recursive: true, force: true }))

const own = {
  lambda: '_X_AMZN_TRACE_ID',
  openwhisk: '__OW_ACTIVATION_ID',
} as const
type Signature = keyof typeof own

/** Answers with the variable as it and a child see it. */
const sources = {
  nodejs: (name: string) => `
    const { env } = require('node:process')
    const { execSync } = require('node:child_process')
    exports.main = async (event) => ({
      own: process.env.${name}, kept: env.${name}, listed: Object.keys(process.env).includes('${name}'),
      copied: { ...process.env }.${name}, child: event.child ? execSync('echo $${name}', { encoding: 'utf8' }).trim() : null,
      other: (process.env.OTHER = 5, process.env.OTHER), path: process.env.PATH !== undefined,
    })`,
  python3: (name: string) => `
import os, subprocess
from os import environ
def main(event, context=None):
    child = subprocess.run('echo $${name}', shell=True, capture_output=True, text=True).stdout.strip() if event.get('child') else None
    os.environ['OTHER'] = '5'
    return {'own': os.getenv('${name}'), 'kept': environ['${name}'], 'listed': '${name}' in list(os.environ),
            'copied': dict(os.environ)['${name}'], 'child': child, 'other': os.environ['OTHER'], 'path': 'PATH' in environ}
`,
}

const idOf = (n: number) => `0192f5a0-0000-7000-8000-${n.toString(16).padStart(12, '0')}`

describe.each(Object.keys(sources) as (keyof typeof sources)[])('%s', (language) => {
  const runtime = fileURLToPath(new URL(`../../runtimes/${language}`, import.meta.url))
  async function bound(signature: Signature) {
    const folder = mkdtempSync(join(packages, 'package-'))
    const file = language === 'nodejs' ? 'main.js' : 'main.py'
    writeFileSync(join(folder, file), sources[language](own[signature]))
    return await processHarness(runtime, folder).bind({ entry: 'main.main', signature })
  }
  test.each(Object.keys(own) as Signature[])(
    'as %s finds the value of each call, and so does what it starts',
    async (signature) => {
      await using worker = await bound(signature)
      for (const n of [1, 2]) {
        const { outcome } = worker.call({ child: true }, { executionId: idOf(n) })
        const expected = expect.stringContaining(idOf(n).replaceAll('-', '').slice(-12))
        const same = { own: expected, kept: expected, copied: expected, child: expected }
        expect(await outcome).toMatchObject({ value: { ...same, listed: true, other: '5', path: true } })
      }
    },
  )
})

test('a function in Python may replace os.environ by another object, and start programs', async () => {
  const folder = mkdtempSync(join(packages, 'package-'))
  const program = `
import os, subprocess
os.environ = dict(os.environ)
def main(event, context):
    return subprocess.run(['echo', 'there'], capture_output=True, text=True).stdout
`
  writeFileSync(join(folder, 'main.py'), program)
  const runtime = fileURLToPath(new URL('../../runtimes/python3', import.meta.url))
  await using worker = await processHarness(runtime, folder).bind({ entry: 'main.main', signature: 'lambda' })
  expect(await worker.call({}, { executionId: idOf(1) }).outcome).toMatchObject({ value: 'there\n' })
})

test('the C library is not told of each value: it would keep them all', async () => {
  const folder = mkdtempSync(join(packages, 'package-'))
  const program = `
import ctypes, os
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
def main(event, context):
    return [os.environ['_X_AMZN_TRACE_ID'] is not None, getenv(b'_X_AMZN_TRACE_ID') is None]
`
  writeFileSync(join(folder, 'main.py'), program)
  const runtime = fileURLToPath(new URL('../../runtimes/python3', import.meta.url))
  await using worker = await processHarness(runtime, folder).bind({ entry: 'main.main', signature: 'lambda' })
  expect(await worker.call({}, { executionId: idOf(1) }).outcome).toMatchObject({ value: [true, true] })
})

test('a worker thread of Node.js does not find it, as the documentation says', async () => {
  const folder = mkdtempSync(join(packages, 'package-'))
  const source = `
    const { Worker } = require('node:worker_threads')
    const code = 'require("node:worker_threads").parentPort.postMessage(process.env.__OW_ACTIVATION_ID ?? "none")'
    exports.main = () => new Promise((resolve) =>
      new Worker(code, { eval: true }).once('message', (thread) => resolve({ thread, own: process.env.__OW_ACTIVATION_ID })))`
  writeFileSync(join(folder, 'main.js'), source)
  const runtime = fileURLToPath(new URL('../../runtimes/nodejs', import.meta.url))
  await using worker = await processHarness(runtime, folder).bind({ entry: 'main.main', signature: 'openwhisk' })
  const { outcome } = worker.call({}, { executionId: idOf(1) })
  expect(await outcome).toMatchObject({ value: { thread: 'none', own: expect.any(String) } })
})
