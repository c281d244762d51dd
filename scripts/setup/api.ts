// The few API calls that the first run makes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SetupProblem } from './problem.ts'

export interface Execution {
  status: string
  result: string
  output?: unknown
  error?: { type: string; message: string } | null
  start_kind?: string
  cold_reason?: string | null
  phases?: Record<string, number>
}

export interface Api {
  url: string
  /** 200 from /readyz: the server takes calls. */
  isReady(): Promise<boolean>
  /** Whether our token is accepted, so that this is the server of our data folder. */
  knowsUs(): Promise<boolean>
  /** Deploys a package; false when a function of that name exists already. */
  createFunction(name: string, runtime: string, zip: Uint8Array<ArrayBuffer>): Promise<boolean>
  /** Whether each of these runtimes has a worker that waits for a function. */
  hasWaitingWorkers(runtimes: string[]): Promise<boolean>
  setNetwork(name: string, network: 'none' | 'egress'): Promise<void>
  /** Removes the function's workers, so that the next call needs a new one. */
  detach(name: string): Promise<void>
  invoke(name: string, input: unknown): Promise<Execution>
}

const READY_LIMIT_MS = 2_000

export function createApi(url: string, dataDir: string, adminToken?: string): Api {
  const call = (method: string, path: string, init: RequestInit = {}) => {
    const token = adminToken ?? readToken(dataDir)
    return fetch(url + path, { ...init, method, headers: { ...init.headers, 'X-Auth-Token': token } })
  }
  return {
    url,
    isReady: () =>
      fetch(`${url}/readyz`, { signal: AbortSignal.timeout(READY_LIMIT_MS) }).then(
        (response) => response.ok,
        () => false,
      ),
    async knowsUs() {
      const answer = await call('GET', '/v1/runtimes')
        .then(
          (response) => response.json(),
          () => null,
        )
        .catch(() => null)
      return Array.isArray((answer as { runtimes?: unknown } | null)?.runtimes)
    },
    async createFunction(name, runtime, zip) {
      const init = { body: zip, headers: { 'Content-Type': 'application/zip' } }
      const response = await call('POST', `/v1/functions?name=${name}&runtime=${runtime}`, init)
      if (response.status === 409) return false
      await expectOk(response, `Deploying ${name}`)
      return true
    },
    async hasWaitingWorkers(names) {
      const answer = await expectOk(await call('GET', '/v1/runtimes'), 'Listing the runtimes')
      const { runtimes } = (await answer.json()) as { runtimes: { id: string; name: string }[] }
      const asked = runtimes.filter(({ name }) => names.includes(name))
      const pools = await Promise.all(asked.map(({ id }) => call('GET', `/v1/runtimes/${id}/pool`)))
      const states = (await Promise.all(pools.map((pool) => pool.json()))) as { capacity?: { available: number } }[]
      return states.every(({ capacity }) => capacity !== undefined && capacity.available > 0)
    },
    async setNetwork(name, network) {
      const init = { body: JSON.stringify({ network }), headers: { 'Content-Type': 'application/json' } }
      await expectOk(await call('PUT', `/v1/functions/${name}`, init), `Changing ${name}`)
    },
    async detach(name) {
      await expectOk(await call('POST', `/v1/functions/${name}/detach`), `Detaching ${name}`)
    },
    async invoke(name, input) {
      const body = JSON.stringify({ function_id: name, input: JSON.stringify(input) })
      const init = { body, headers: { 'Content-Type': 'application/json' } }
      const response = await call('POST', '/v1/executions', init)
      return (await (await expectOk(response, `Invoking ${name}`)).json()) as Execution
    },
  }
}

async function expectOk(response: Response, purpose: string): Promise<Response> {
  if (response.ok) return response
  throw new SetupProblem(`${purpose} failed: HTTP ${response.status} ${(await response.text()).slice(0, 500)}`)
}

/** Empty before the server's first start, and in open mode. */
function readToken(dataDir: string): string {
  try {
    return readFileSync(join(dataDir, 'admin.token'), 'utf8').trim()
  } catch {
    return ''
  }
}
