import type { FunctionRow } from '../client/resources/functions.ts'
import type { RuntimeRow } from '../client/resources/runtimes.ts'
import type { HistoryLine } from '../client/resources/stats.ts'
import { installationOf, pastCallOf } from '../client/simulator-input.ts'
import { type CurvePoint, curveSize, curves } from '../simulator/curves.ts'
import { traceOfHistory } from '../simulator/history.ts'

/**
 * A web worker: it reads past calls from the server and replays them. So the server only sends its records, and the page stays
 * responsive.
 */

export interface WhatIfQuestion {
  token: string | null
  since: string
}

export type WhatIfNews =
  | { kind: 'read'; calls: number }
  | { kind: 'begun'; calls: number; functions: number; hours: number; points: number; budgetMib: number }
  | { kind: 'point'; point: CurvePoint }
  | { kind: 'done' }
  | { kind: 'failed'; says: string }

const mib = 1024 * 1024
/** Memory of a deleted function's worker without measurements. */
const usualMemoryBytes = 128 * mib
const newsEvery = 20_000

const tell = (news: WhatIfNews): void => postMessage(news)

addEventListener('message', ({ data }: MessageEvent<WhatIfQuestion>) => {
  answer(data).catch((error: Error) => tell({ kind: 'failed', says: error.message }))
})

async function answer({ token, since }: WhatIfQuestion): Promise<void> {
  const ask = async (path: string): Promise<Response> => {
    const response = await fetch(path, { headers: token === null ? {} : { 'X-Auth-Token': token } })
    if (!response.ok) throw new Error((await response.json()).faultstring)
    return response
  }
  const read = async <T>(path: string): Promise<T> => (await ask(path)).json()
  const [health, { functions }, { runtimes }] = await Promise.all([
    read<{ memory: { budget_bytes: number } }>('/v1/health'),
    read<{ functions: FunctionRow[] }>('/v1/functions?all_projects=true'),
    read<{ runtimes: RuntimeRow[] }>('/v1/runtimes'),
  ])
  const calls = await callsOf(await ask(`/v1/history?since=${since}`))
  if (calls.length === 0) throw new Error('No call ended in this time: choose a longer one.')
  const trace = traceOfHistory(calls, installationOf(functions, runtimes), usualMemoryBytes)
  const budgetMib = Math.round(health.memory.budget_bytes / mib)
  const hours = trace.lengthMs / 3_600_000
  const about = { calls: calls.length, functions: trace.functions.length, hours }
  tell({ kind: 'begun', ...about, points: curveSize(budgetMib), budgetMib })
  for (const point of curves(trace, budgetMib)) tell({ kind: 'point', point })
  tell({ kind: 'done' })
}

async function callsOf(response: Response) {
  const calls: ReturnType<typeof pastCallOf>[] = []
  const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>)
    .pipeThrough(new TextDecoderStream())
    .getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return calls
    const lines = (rest + value).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      calls.push(pastCallOf(JSON.parse(line) as HistoryLine))
      if (calls.length % newsEvery === 0) tell({ kind: 'read', calls: calls.length })
    }
  }
}
