import { signal } from '@preact/signals'
import type { ExecutionRow } from '../client/resources/executions.ts'
import { apiRequest, needsLogin } from './api.ts'

/** The server's events, over a stream that reconnects whenever it ends. */

interface ServerNow {
  running?: number
  queued?: number
  jobs?: number
  workers?: Record<string, number>
}

export const serverNow = signal<ServerNow>({})
/** The last change of a run. */
export const lastRun = signal<ExecutionRow | null>(null)
export const isLive = signal(false)

type LogListener = (text: string) => void
const logListeners = new Map<string, Set<LogListener>>()

const againMs = 1000

/** Returns how to stop. */
export function onLog(executionId: string, listener: LogListener): () => void {
  const known = logListeners.get(executionId) ?? new Set()
  logListeners.set(executionId, known.add(listener))
  return () => {
    known.delete(listener)
    if (known.size === 0) logListeners.delete(executionId)
  }
}

/** Never resolves. */
export async function followEvents(): Promise<void> {
  for (;;) {
    if (!needsLogin.value) await readOnce().catch(() => {})
    isLive.value = false
    await new Promise((resolve) => setTimeout(resolve, againMs))
  }
}

async function readOnce(): Promise<void> {
  const answer = await apiRequest('GET', '/v1/events?log=true')
  if (!answer.ok || answer.body === null) return
  isLive.value = true
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) told(block)
  }
}

function told(block: string): void {
  const event = /^event: (.*)$/m.exec(block)?.[1]
  const text = /^data: (.*)$/m.exec(block)?.[1]
  if (event === undefined || text === undefined) return
  const data = JSON.parse(text)
  if (event === 'server') serverNow.value = data
  else if (event === 'execution') lastRun.value = data
  else if (event === 'log') for (const listener of logListeners.get(data.execution) ?? []) listener(data.text)
}
