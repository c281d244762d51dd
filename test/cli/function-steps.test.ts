/** What a deployment changes of a function whose app the server takes out of an image. */
import { expect, test } from 'vitest'
import { functionSteps } from '../../src/cli/function-steps.ts'
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

test('a function of other code stays what it is', async () => {
  await expect(changes(undefined, 'shop:1', {})).rejects.toThrow(/stays as it is/)
})
