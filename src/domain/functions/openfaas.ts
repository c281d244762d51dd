/** Amounts in OpenFaaS's notation, and the defaults of its watchdogs. Pure. */

const mib = 1_048_576
/** Port of both watchdogs. */
export const watchdogPort = 8080
/** Concurrent calls of a watchdog when `max_inflight` does not set them. */
export const defaultInflight = 10
export const defaultTimeoutSeconds = 60
export const defaultMemory = '128Mi'
export const minReplicasLabel = 'com.openfaas.scale.min'
export const maxReplicasLabel = 'com.openfaas.scale.max'

/** The function fields that environment and labels imply. */
export function replicaBoundsIn(env: Record<string, string>, labels: Record<string, string>) {
  return {
    timeoutSeconds: timeoutIn(env),
    concurrency: countIn(env.max_inflight) || defaultInflight,
    minWorkers: countIn(labels[minReplicasLabel]),
    maxWorkers: countIn(labels[maxReplicasLabel]) || null,
  }
}

/** `exec_timeout` limits a call; without it, the limit of a request applies. */
function timeoutIn(env: Record<string, string>): number {
  const text = env.exec_timeout ?? env.write_timeout ?? env.read_timeout
  const seconds = text === undefined ? null : secondsOfDuration(text)
  return seconds === null || seconds <= 0 ? defaultTimeoutSeconds : Math.ceil(seconds)
}

function countIn(text: string | undefined): number {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : 0
}

const unitSeconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 }

/** Seconds of `1m30s`, or of a number of seconds. Null: invalid. */
export function secondsOfDuration(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return null
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (unitSeconds[unit as string] as number), 0)
}

const units: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9, ki: 1024, mi: mib, gi: 1024 * mib }

/** Bytes of `128Mi`, or of `128m`, which stands for megabytes. Null: invalid. */
export function bytesOfQuantity(text: string): number | null {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?b?$/i.exec(text.trim()) ?? []
  const factor = units[unit.toLowerCase()]
  return number === undefined || factor === undefined ? null : Math.ceil(Number(number) * factor)
}

/** Millicpu of `100m`, or of a number of processors. Null: invalid. */
export function millicpuOf(text: string): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(m?)$/.exec(text.trim()) ?? []
  return number === undefined ? null : Math.ceil(Number(number) * (unit === 'm' ? 1 : 1000))
}
