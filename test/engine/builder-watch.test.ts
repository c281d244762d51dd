import { expect, test } from 'vitest'
import { watchSize } from '../../src/engine/sandbox/docker/builder-watch.ts'

/** How measurements of a build's size are interpreted. */

const wait = () => new Promise<void>((resolve) => setImmediate(resolve))

/** What is found by looks that end so, one after the other; null: one that cannot begin. The build ends after the last. */
function found(codes: (number | null)[]) {
  const [left, ended] = [[...codes], new AbortController()]
  const look = async () => {
    const code = left.shift()
    if (left.length === 0) setImmediate(() => ended.abort())
    if (code === null || code === undefined) throw new Error('no process can be started')
    return code
  }
  const end = new Promise<string>((resolve) =>
    ended.signal.addEventListener('abort', () => setTimeout(resolve, 5, 'ended')),
  )
  return Promise.race([watchSize(look, wait, ended.signal), end])
}

test.each([
  ['writes too much', [0, 0, 3], 'too large'],
  ['closes a folder to its own user', [0, 4], 'hidden'],
  ['ends whoever looks', [0, 137, 137, 137], 'unseen'],
  ['leaves no process for a look', [null, null, null], 'unseen'],
])('A build that %s is found', async (_what, codes, finding) => {
  expect(await found(codes)).toBe(finding)
})

test('A build is not ended by looks that fail now and then', async () => {
  expect(await found([137, null, 0, 137, 137, 0, null])).toBe('ended')
})
