/** How OpenFaaS writes amounts, and what its watchdogs do unless they are told otherwise. Pure. */

const mib = 1_048_576
/** Both watchdogs listen there. */
export const watchdogPort = 8080
/** The watchdogs take calls at the same time; `max_inflight` of their environment says how many. */
export const usualInflight = 10
export const usualTimeoutSeconds = 60
export const usualMemory = '128Mi'
export const leastReplicasLabel = 'com.openfaas.scale.min'
export const mostReplicasLabel = 'com.openfaas.scale.max'

/** What environment and labels say of a function, in our words. */
export function boundsIn(env: Record<string, string>, labels: Record<string, string>) {
  return {
    timeoutSeconds: timeoutIn(env),
    concurrency: countIn(env.max_inflight) || usualInflight,
    minWorkers: countIn(labels[leastReplicasLabel]),
    maxWorkers: countIn(labels[mostReplicasLabel]) || null,
  }
}

/** `exec_timeout` is what ends a call; where it is not there, what a request may take. */
function timeoutIn(env: Record<string, string>): number {
  const text = env.exec_timeout ?? env.write_timeout ?? env.read_timeout
  const seconds = text === undefined ? null : secondsOf(text)
  return seconds === null || seconds <= 0 ? usualTimeoutSeconds : Math.ceil(seconds)
}

function countIn(text: string | undefined): number {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : 0
}

const unitSeconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 }

/** Of `1m30s`, or of seconds. Null: it says no time. */
export function secondsOf(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return null
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (unitSeconds[unit as string] as number), 0)
}

const units: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9, ki: 1024, mi: mib, gi: 1024 * mib }

/** `128Mi`, and `128m`, which stands for megabytes. Null: it says no amount. */
export function bytesOf(text: string): number | null {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?b?$/i.exec(text.trim()) ?? []
  const factor = units[unit.toLowerCase()]
  return number === undefined || factor === undefined ? null : Math.ceil(Number(number) * factor)
}

/** `100m`, or processors. Null: it says no amount. */
export function millicpuOf(text: string): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(m?)$/.exec(text.trim()) ?? []
  return number === undefined ? null : Math.ceil(Number(number) * (unit === 'm' ? 1 : 1000))
}
