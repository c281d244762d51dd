import { describe } from 'vitest'
import { clientProblem } from './openstack-client.ts'
import { ServerProcess } from './server-process.ts'

/** A server, and how the client finds and greets it. */
interface Service extends AsyncDisposable {
  env: Record<string, string>
  /** Of what the client makes. */
  projectId: string
}

/** A way in which the client greets a server. */
export interface Mode {
  name: string
  run: (name: string, tests: () => void) => void
  start(): Promise<Service>
}

const problem = clientProblem()
const run = problem === null || process.env.CI === 'true' ? describe : describe.skip
if (problem !== null) console.warn(`The openstack command is not tested: ${problem}.`)
const runWithDocker = process.env.TAIBAI_TEST_DOCKER === '0' ? describe.skip : run

export const modes: Mode[] = [
  { name: 'without authentication, with containers', run: runWithDocker, start: open },
  { name: 'with a token of ours', run, start: withToken },
]

async function open(): Promise<Service> {
  const server = await ServerProcess.start({ engine: 'docker', settings: { TAIBAI_AUTH: 'none' } })
  return serviceOf(server, { OS_AUTH_TYPE: 'none', OS_ENDPOINT: server.url })
}

async function withToken(): Promise<Service> {
  const server = await ServerProcess.start()
  return serviceOf(server, { OS_AUTH_TYPE: 'admin_token', OS_ENDPOINT: server.url, OS_TOKEN: server.token })
}

const serviceOf = (server: ServerProcess, env: Record<string, string>): Service => ({
  env,
  projectId: 'default',
  [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
})
