import type { Execution } from '../../domain/runs/execution.ts'
import { errorTypes, type FunctionError, type HttpHead, type Outcome, type Value } from '../../domain/runs/outcome.ts'

/** The outcome of a run from its record: the first response, for repeated requests. */
export function outcomeOfRecord(execution: Execution): Outcome {
  const { status, durationMs, cpuMs, memoryPeakMb } = execution
  const usage = { runMs: durationMs ?? 0, cpuMs, memoryPeakMb }
  if (status === 'success') return { kind: 'returned', value: valueIn(execution), ...usage }
  const error = execution.error ?? { type: errorTypes.platform, message: 'The run failed.', stack: null }
  const kind = status === 'error' ? 'platform' : kindOf(error)
  if (kind !== 'raised' || execution.output === null) return { kind, error, ...usage }
  return { kind, error, value: { kind: 'json', body: Buffer.from(execution.output) }, ...usage }
}

function kindOf({ type }: FunctionError): 'raised' | 'timeout' | 'killed' {
  if (type === errorTypes.timeout) return 'timeout'
  return type === errorTypes.memory || type === errorTypes.exit || type === errorTypes.cancelled ? 'killed' : 'raised'
}

function valueIn({ output, terms }: Execution): Value {
  const answered = terms?.answered ?? 'json'
  const text = output ?? 'null'
  if (!answered.startsWith('http-')) return bodyOf(answered as Value['kind'], JSON.parse(text), text)
  const { status, headers, body } = JSON.parse(text)
  const kind = answered.slice('http-'.length) as Value['kind']
  return { ...bodyOf(kind, body, JSON.stringify(body)), http: headOf(status, headers) }
}

function bodyOf(kind: Value['kind'], value: unknown, json: string): Value {
  if (kind === 'json') return { kind, body: Buffer.from(json) }
  if (kind === 'text') return { kind, body: Buffer.from(String(value)) }
  return { kind, body: Buffer.from((value as { base64: string }).base64, 'base64') }
}

function headOf(status: number, headers: Record<string, string | string[]>): HttpHead {
  const pairs = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  )
  return { status, headers: pairs }
}
