/** What a deployment changes of a function whose app the server takes out of an image. */
import { expect, test } from 'vitest'
import { functionSteps } from '../../src/cli/manifest/function-steps.ts'
import { packFiles } from '../../src/cli/manifest/package-zip.ts'
import type { Client } from '../../src/client/client.ts'

const image = { source: 'image' as const, mode: 'azure', image: 'shop:1' }

async function changes(
  env: Record<string, string> | undefined,
  name = 'shop:1',
  code: object = { from_image: 'shop:1' },
) {
  const there = { id: 'f-1', code: { source: 'package', ...code }, env: { GREETING: 'hi', OWN: '1' } }
  const updated: unknown[] = []
  const functions = { get: async () => there, update: async (_id: string, fields: unknown) => updated.push(fields) }
  const wanted = {
    name: 'shop',
    runtime: undefined,
    fields: env === undefined ? {} : { env },
    image: { ...image, image: name },
  }
  for (const step of await functionSteps({ functions } as unknown as Client, wanted)) await step.take()
  return updated
}

test('the image that it was taken from, with an environment that it has, is no change', async () => {
  expect([await changes(undefined), await changes({ OWN: '1' })]).toEqual([[], []])
})

test('another image, or another variable, takes the app out again', async () => {
  expect(await changes(undefined, 'shop:2')).toEqual([{ code: { ...image, image: 'shop:2' } }])
  expect(await changes({ OWN: '2' })).toEqual([{ env: { OWN: '2' }, code: image }])
})

const languages = [
  { id: 'r-node', name: 'nodejs', languages: ['javascript', 'typescript'] },
  { id: 'r-node22', name: 'nodejs22', languages: ['javascript', 'typescript'] },
  { id: 'r-python', name: 'python3', languages: ['python'] },
  { id: 'r-own', name: 'own', languages: [] },
]

function redeployed(runtime: string, there: object, given: object = {}) {
  const row = {
    id: 'f-1',
    runtime_id: 'r-node',
    signature: null,
    entry: 'hello.run',
    code: { source: 'package' },
    ...there,
  }
  const client = { functions: { get: async () => row }, runtimes: { list: async () => languages } }
  const wanted = { name: 'hello', runtime, zip: Buffer.from('new'), fields: {}, ...given }
  return functionSteps(client as unknown as Client, wanted)
}

test('code of another language is refused, with what to do', async () => {
  await expect(redeployed('python3', {})).rejects.toThrow(
    /hello runs on nodejs, and this code is for python3\..*under another name, or delete/,
  )
})

test.each([
  ['another version of the language', 'nodejs', { runtime_id: 'r-node22' }],
  ["a runtime of the user's own, which names no language", 'python3', { runtime_id: 'r-own' }],
])('code for %s is taken', async (_name, runtime, there) => {
  expect(await redeployed(runtime, there)).toMatchObject([{ details: ['code'] }])
})

test('a runtime that the user names is refused where the function has another one, also with the same code', async () => {
  const named = { namedRuntime: 'nodejs22' }
  await expect(redeployed('nodejs22', {}, named)).rejects.toThrow(/runs on nodejs, not on nodejs22\..*another name/)
  await expect(redeployed('nodejs', {}, { namedRuntime: 'nodejs99' })).rejects.toThrow(/nodejs99 was not found/)
  expect(await redeployed('nodejs', {}, { namedRuntime: 'r-node' })).toMatchObject([{ details: ['code'] }])
})

test('a new function without a runtime is refused, and folders with code are named', async () => {
  const missing = async () => Promise.reject(Object.assign(new Error(), { status: 404 }))
  const client = { functions: { get: missing } } as unknown as Client
  const wanted = { name: 'shop', runtime: undefined, zip: Buffer.from(''), fields: {}, codeIn: ['src'] }
  const [step] = await functionSteps(client, wanted)
  await expect(step?.take()).rejects.toThrow(/is not known.*Code is in src: to deploy it, name that folder/)
})

test.each([
  [600, 600, [], { timeout_max: 900 }],
  [3600, 3600, [], {}],
  [
    3600,
    900,
    ['timeout 900 s, the maximum of this server (TAIBAI_TIMEOUT_MAX_SECONDS), not 3600 s'],
    { timeout_max: 900 },
  ],
])("a timeout of %i s in the code's settings becomes %i s", async (fileTimeout, timeout, notes, shown) => {
  const created: object[] = []
  const functions = {
    get: async () => Promise.reject(Object.assign(new Error(), { status: 404 })),
    createFromZip: async (fields: object) => created.push(fields),
  }
  const limits = { get: async () => shown }
  const wanted = { name: 'shop', runtime: 'nodejs', zip: Buffer.from(''), fields: {}, fileTimeout }
  const [step] = await functionSteps({ functions, limits } as unknown as Client, wanted)
  await step?.take()
  expect(step?.details).toEqual(['0 bytes of code', 'timeout', ...notes])
  expect(created).toMatchObject([{ timeout }])
})

test.each([
  [
    'that its new package lacks becomes the usual one',
    'old.main',
    'main.mjs',
    ['code', 'entry: "old.main" → "main.main"'],
  ],
  ['that its new package has stays', 'old.run', 'old.mjs', ['code']],
  ['that it lacks stays without a main module', 'old.run', 'other.mjs', ['code']],
])('an entry %s', async (_what, entry, added, details) => {
  const zip = packFiles({ [added]: Buffer.from(''), ...(added === 'old.mjs' && { 'main.mjs': Buffer.from('') }) })
  const [step] = await redeployed('nodejs', { entry }, { zip })
  expect(step?.details).toEqual(details)
})

const lambda = { signature: 'lambda', entry: 'hello.handler' }

test('an existing function keeps its signature where the code only looks like that of another platform', async () => {
  const [step] = await redeployed('nodejs', {}, { fields: lambda, isGuessed: true })
  expect(step?.details).toEqual([
    'code',
    "signature stays the runtime's (the code looks like lambda: pass --signature lambda to change it)",
  ])
})

test('one of that platform follows the entry, and what the user says is not a guess', async () => {
  const entry = 'entry: "hello.run" → "hello.handler"'
  const [follows] = await redeployed('nodejs', { signature: 'lambda' }, { fields: lambda, isGuessed: true })
  expect(follows?.details).toEqual(['code', entry])
  const [said] = await redeployed('nodejs', {}, { fields: lambda })
  expect(said?.details).toEqual(['code', 'signature: null → "lambda"', entry])
})

test('a function of other code stays what it is', async () => {
  await expect(changes(undefined, 'shop:1', {})).rejects.toThrow(/stays as it is/)
})
