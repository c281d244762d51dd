import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One round of load from wrk, which uses little CPU itself: it shares the machine with the server. */

export interface Target {
  url: string
  /** Paths called in turn; absent: the path of `url`. */
  paths?: string[]
  method?: string
  headers?: Record<string, string>
  body?: string
}

export interface Round {
  requestsPerSecond: number
  requests: number
  p50Ms: number
  p99Ms: number
  maxMs: number
  /** Responses other than 2xx, and failed connections. */
  errors: number
}

export async function load(
  target: Target,
  connections: number,
  seconds: number,
  folder: string,
  onStart?: (pid: number) => void,
): Promise<Round> {
  const script = join(folder, `${crypto.randomUUID()}.lua`)
  writeFileSync(script, luaScript(target))
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', script, target.url]
  const printed = await run('wrk', args, undefined, onStart)
  const line = printed.split('\n').find((each) => each.startsWith('JSON '))
  if (line === undefined) throw new Error(`wrk said nothing of use:\n${printed}`)
  const { requests, micros, p50, p99, max, errors } = JSON.parse(line.slice('JSON '.length))
  return {
    requests,
    requestsPerSecond: (requests / micros) * 1e6,
    p50Ms: p50 / 1000,
    p99Ms: p99 / 1000,
    maxMs: max / 1000,
    errors,
  }
}

function luaScript({ method = 'POST', headers = {}, body = '', paths }: Target): string {
  const head = Object.entries(headers).map(
    ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
  )
  return `wrk.method = ${JSON.stringify(method)}
wrk.body = [==[${body}]==]
${head.join('\n')}
${paths === undefined ? '' : turns(paths)}
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('JSON {"requests":%d,"micros":%d,"p50":%f,"p99":%f,"max":%f,"errors":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`
}

/** Requests are built once, so that alternating costs wrk almost nothing. */
const turns = (paths: string[]): string => `
local paths = { ${paths.map((path) => JSON.stringify(path)).join(', ')} }
local made, at = {}, 0
function init(args)
  for i, path in ipairs(paths) do made[i] = wrk.format(nil, path) end
end
function request()
  at = at % #made + 1
  return made[at]
end`

export function run(command: string, args: string[], input?: string, onStart?: (pid: number) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { detached: onStart !== undefined, stdio: ['pipe', 'pipe', 'pipe'] })
    if (child.pid !== undefined) onStart?.(child.pid)
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    child.once('error', () => reject(new Error(`${command} is not installed: on Debian, apt-get install ${command}`)))
    child.once('exit', (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${command} ended with ${code}: ${err}`)),
    )
    child.stdin.end(input)
  })
}
