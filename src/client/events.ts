import type { Connection } from './connection.ts'
import { errorOf } from './problems.ts'
import type { ExecutionRow } from './resources/executions.ts'

/** The stream of `GET /v1/events` as values. */

export type ServerEvent =
  | { event: 'execution'; data: ExecutionRow }
  | { event: 'log'; data: { execution: string; text: string } }
  | { event: 'server'; data: { running?: number; queued?: number; jobs?: number; workers?: Record<string, number> } }
  | { event: 'missed'; data: { events: number } }

/** Throws ApiError when the server refuses, UnreachableError when nobody answers. */
export async function* readEvents(
  connection: Connection,
  query: { function?: string; log?: boolean },
  signal?: AbortSignal,
): AsyncGenerator<ServerEvent> {
  const answer = await connection.open('GET', '/v1/events', { query, ...(signal && { signal }) })
  answer.setEncoding('utf8')
  const { statusCode = 0 } = answer
  if (statusCode !== 200) {
    let text = ''
    for await (const piece of answer) text += piece
    throw errorOf(statusCode, text)
  }
  let rest = ''
  for await (const piece of answer) {
    const blocks = (rest + piece).split('\n\n')
    rest = blocks.pop() as string
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1]
      const data = /^data: (.*)$/m.exec(block)?.[1]
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) } as ServerEvent
    }
  }
}
