import type { Execution } from '../../domain/runs/execution.ts'
import type { Ctx } from '../request-context.ts'
import { executionJson } from './execution-json.ts'

const json = { 'Content-Type': 'application/json' }

/** Sends one JSON object while it is read: a list may exceed the memory. A short list is sent at once. */
export async function sendExecutions(c: Ctx, name: string, slices: AsyncIterable<Execution[]>): Promise<Response> {
  const rows = slices[Symbol.asyncIterator]()
  const first = await rows.next()
  const second = first.done ? first : await rows.next()
  const start = `{"${name}":[${first.done ? '' : rowsJson(first.value)}`
  if (second.done) return c.body(`${start}]}`, 200, json)
  return c.body(ReadableStream.from(listBytes(start, second.value, rows)), 200, json)
}

async function* listBytes(
  start: string,
  second: Execution[],
  rows: AsyncIterator<Execution[]>,
): AsyncGenerator<Uint8Array> {
  try {
    yield Buffer.from(`${start},${rowsJson(second)}`)
    for (let next = await rows.next(); !next.done; next = await rows.next()) {
      yield Buffer.from(`,${rowsJson(next.value)}`)
    }
    yield Buffer.from(']}')
  } finally {
    await rows.return?.()
  }
}

const rowsJson = (rows: Execution[]): string => rows.map(executionJson).join(',')
