import type { Execution } from '../../domain/runs/execution.ts'
import type { ReadTurns } from '../connection/read-turns.ts'
import type { Ctx } from '../request-context.ts'
import { executionJson } from './execution-json.ts'

const json = { 'Content-Type': 'application/json' }

/** Sends one execution, whose input and output may be large. */
export async function sendExecution(c: Ctx, reads: ReadTurns, read: () => Promise<Execution>): Promise<Response> {
  return c.body(await reads.run(c.get('who').projectId, async () => executionJson(await read())), 200, json)
}

/**
 * Sends one JSON object while it is read: a list may exceed the memory. A short list is sent at once. The next slice is read when
 * the caller has read the one before.
 */
export async function sendExecutions(
  c: Ctx,
  reads: ReadTurns,
  name: string,
  slices: AsyncIterable<Execution[]>,
): Promise<Response> {
  const rows = slices[Symbol.asyncIterator]()
  const { projectId } = c.get('who')
  const read = () =>
    reads.run(projectId, async () => {
      // Nobody waits for it any more.
      if (c.env.outgoing.destroyed) return null
      const slice = await rows.next()
      return slice.done ? null : rowsJson(slice.value)
    })
  // Each turn reads one slice: a search through many rows with few matches holds no place from others.
  const next = async () => {
    let text = await read()
    while (text === '') text = await read()
    return text
  }
  const first = await next()
  const start = `{"${name}":[${first ?? ''}`
  if (first === null) return c.body(`${start}]}`, 200, json)
  if (first.length >= longestAtOnce) return c.body(listStream(start, next, rows), 200, json)
  const second = await next()
  if (second === null) return c.body(`${start}]}`, 200, json)
  return c.body(listStream(`${start},${second}`, next, rows), 200, json)
}

/** A first slice of fewer characters waits for a second one, because most lists end there. */
const longestAtOnce = 512 * 1024

/** Holds nothing that was sent while it waits for the caller. */
function listStream(
  start: string,
  read: () => Promise<string | null>,
  rows: AsyncIterator<Execution[]>,
): ReadableStream<Uint8Array> {
  let first: Uint8Array | null = Buffer.from(start)
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const slice = first === null ? await read() : null
        if (first === null && slice === null) {
          controller.enqueue(Buffer.from(']}'))
          controller.close()
        } else {
          controller.enqueue(first ?? Buffer.from(`,${slice}`))
          first = null
        }
      },
      async cancel() {
        await rows.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

const rowsJson = (rows: Execution[]): string => rows.map(executionJson).join(',')
