/** Marks between what an image prints: found in whatever pieces it comes, and never in its log. */
import { describe, expect, test } from 'vitest'
import { PrintedMarks } from '../../src/engine/worker/printed-marks.ts'

type Stream = 'stdout' | 'stderr'

/** A message is in transit until it is forwarded. */
function start() {
  const seen: string[] = []
  const marks = new PrintedMarks((stream, text) => seen.push(`${stream} ${JSON.stringify(text)}`))
  const underWay: Record<Stream, string> = { stdout: '', stderr: '' }
  const marker = {
    isFull: false,
    put(stream: Stream, text: string): boolean {
      if (!this.isFull) underWay[stream] += text
      return !this.isFull
    },
    close() {},
  }
  const print = (stream: Stream, text: string) => {
    underWay[stream] += text
  }
  /** In pieces of this length. */
  const arrive = (stream: Stream, length = 1000) => {
    for (let at = 0; at < underWay[stream].length; at += length) {
      marks.take(stream, underWay[stream].slice(at, at + length))
    }
    underWay[stream] = ''
  }
  const put = (name: string) => marks.put((stream) => seen.push(`${name} in ${stream}`))
  const begin = () => {
    marks.use(marker)
    arrive('stdout')
    arrive('stderr')
  }
  return { seen, marks, marker, print, arrive, put, begin }
}

const together = (seen: string[]) => seen.join(' ').replaceAll(/" stdout "/g, '')

test.each([1, 2, 3, 7, 12, 1000])('come back behind what was printed before them, in pieces of %i', (length) => {
  const { seen, begin, print, put, arrive } = start()
  begin()
  print('stdout', 'before\n')
  expect(put('first')).toBe(true)
  print('stdout', 'no end of line')
  put('second')
  print('stdout', 'after\n')
  arrive('stdout', length)
  expect(together(seen)).toBe(
    'stdout "before\\n" first in stdout stdout "no end of line" second in stdout stdout "after\\n"',
  )
})

test('come back in each stream by itself', () => {
  const { seen, begin, put, arrive, print } = start()
  begin()
  put('mark')
  print('stderr', 'late')
  arrive('stderr')
  expect(seen).toEqual(['mark in stderr', 'stderr "late"'])
  arrive('stdout')
  expect(seen.at(-1)).toBe('mark in stdout')
})

describe('are not put', () => {
  test('before one has come back: what an image prints may go elsewhere', () => {
    const { marks, marker, put, arrive } = start()
    expect(put('too early')).toBe(false)
    marks.use(marker)
    arrive('stdout')
    expect(put('too early')).toBe(false)
    arrive('stderr')
    expect(put('now')).toBe(true)
  })

  test('into a full pipe', () => {
    const { begin, marker, put } = start()
    begin()
    marker.isFull = true
    expect(put('mark')).toBe(false)
  })
})

test.each(['a \0 in the middle', '\0taibai ', '\0taibai x\0\n', 'at the end \0taibai 12'])(
  'what only looks like one is printed: %j',
  (text) => {
    const { seen, begin, print, arrive, put, marks } = start()
    begin()
    print('stdout', text)
    put('mark')
    arrive('stdout', 3)
    marks.flush()
    expect(together(seen)).toBe(`stdout ${JSON.stringify(text)} mark in stdout`)
  },
)
