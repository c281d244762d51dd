import { expect, test } from 'vitest'
import { BuildLog } from '../../src/services/functions/build-log.ts'
import { BuildQueue } from '../../src/services/functions/build-queue.ts'

/** Lets everything that waits for nothing go on. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

function lineOf(most: number) {
  const line = new BuildQueue(most)
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const enter = (name: string) =>
    line.turn(name.slice(0, 1)).then(
      (end) => {
        begun.push(name)
        ends.set(name, end)
      },
      (error: Error) => void begun.push(`${name}: ${error.message}`),
    )
  return { line, begun, enter, end: (name: string) => ends.get(name)?.() }
}

test('Builds of one project run one after the other, and hold up no other project', async () => {
  const { begun, enter, end } = lineOf(2)
  for (const name of ['a1', 'a2', 'a3', 'b1']) void enter(name)
  await settled()
  expect(begun).toEqual(['a1', 'b1'])
  end('a1')
  await settled()
  expect(begun).toEqual(['a1', 'b1', 'a2'])
})

test('Projects take turns where fewer build than want to', async () => {
  const { begun, enter, end } = lineOf(1)
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1']) void enter(name)
  for (const name of ['a1', 'b1', 'a2', 'c1']) {
    await settled()
    end(name)
  }
  await settled()
  expect(begun).toEqual(['a1', 'b1', 'a2', 'c1', 'a3'])
})

test('A build that is given up leaves the line at once, and one that runs keeps its turn', async () => {
  const line = new BuildQueue(1)
  const begun: string[] = []
  const [running, waiting] = [new AbortController(), new AbortController()]
  const end = await line.turn('a', undefined, running.signal)
  const given = line.turn('b', undefined, waiting.signal)
  void line.turn('c').then(() => begun.push('c'))
  running.abort(new Error('cancelled'))
  waiting.abort(new Error('cancelled'))
  await expect(given).rejects.toThrow('cancelled')
  await settled()
  expect(begun).toEqual([])
  end()
  await settled()
  expect(begun).toEqual(['c'])
  await expect(line.turn('d', undefined, waiting.signal)).rejects.toThrow('cancelled')
})

test('Waiting builds are refused when the server stops', async () => {
  const { line, begun, enter } = lineOf(1)
  void enter('a1')
  void enter('b1')
  await settled()
  line.close()
  await settled()
  expect(begun).toEqual(['a1', 'b1: The server is stopping; try again in a moment.'])
  await enter('c1')
  expect(begun.at(-1)).toBe('c1: The server is stopping; try again in a moment.')
})

test('The kept output is the beginning and the end of what is too long', () => {
  const log = new BuildLog(20, [])
  log.push('0123456789abcdefghij0123456789\n')
  log.end()
  expect(log.text).toBe('0123456789\n[…]\n123456789\n')
})

test('The kept output has no more bytes than it may, whatever is printed', () => {
  const log = new BuildLog(1000, [])
  for (let at = 0; at < 100; at++) log.push(`${'語'.repeat(50)}\n`)
  log.end()
  expect(Buffer.byteLength(log.text)).toBeLessThan(1020)
})

test('A secret is not in the output, neither kept nor followed, also when it comes in pieces', () => {
  const seen: string[] = []
  const log = new BuildLog(1000, ['hunter2', 'abc'])
  log.tell((text) => void seen.push(text))
  log.push('GET /x?token=hun')
  log.push('ter2 abc\nhunter2')
  log.end()
  expect(log.text).toBe('GET /x?token=*** abc\n***')
  expect(seen.join('')).toBe(log.text)
})

test('A secret of several lines is not in the output either, whichever of its lines is printed', () => {
  const log = new BuildLog(1000, ['-----BEGIN KEY-----\nMIIEvQIBADAN\n-----END KEY-----\n'])
  log.push('key: -----BEGIN KEY-----\nMIIEvQIBADAN\n-----END KEY-----\n')
  log.push('again MIIEvQIBADAN\n')
  log.end()
  expect(log.text).toBe('key: ***\n***\n***\nagain ***\n')
})
