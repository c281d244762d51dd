import { describe } from 'vitest'
import { OpenStackStack, stackPassword } from '../../scripts/openstack/stack.ts'
import { clientProblem } from './openstack-client.ts'
import { ServerProcess } from './server-process.ts'

/** A server, and how the client finds and greets it. */
interface Service extends AsyncDisposable {
  env: Record<string, string>
  /** Project of what the client makes. */
  projectId: string
}

/** A way in which the client greets a server. */
export interface Mode {
  name: string
  /** Every command is given; else those that show how the client is greeted: what they do to the server is the same. */
  isWhole: boolean
  run: (name: string, tests: () => void) => void
  start(): Promise<Service>
}

const problem = clientProblem()
export const runsClient = problem === null || process.env.CI === 'true' ? describe : describe.skip
if (problem !== null) console.warn(`The openstack command is not tested: ${problem}.`)
const runWithDocker = process.env.TAIBAI_TEST_DOCKER === '0' ? describe.skip : runsClient

const stack = await OpenStackStack.startOrSkip(['keystone', 'swift'])
const runWithKeystone = stack === null ? describe.skip : runsClient

export const modes: Mode[] = [
  { name: 'without authentication, with containers', isWhole: true, run: runWithDocker, start: open },
  { name: 'with a token of ours', isWhole: false, run: runsClient, start: withToken },
  { name: 'with Keystone', isWhole: true, run: runWithKeystone, start: () => withKeystone(stack as OpenStackStack) },
]

async function open(): Promise<Service> {
  const server = await ServerProcess.start({ engine: 'docker', settings: { TAIBAI_AUTH: 'none' } })
  return serviceOf(server, { OS_AUTH_TYPE: 'none', OS_ENDPOINT: server.url })
}

async function withToken(): Promise<Service> {
  const server = await ServerProcess.start()
  return serviceOf(server, { OS_AUTH_TYPE: 'admin_token', OS_ENDPOINT: server.url, OS_TOKEN: server.token })
}

/** The client finds the service where every client does: in the catalogue. */
async function withKeystone(stack: OpenStackStack): Promise<Service> {
  const server = await ServerProcess.start({ settings: stack.settings })
  const region = await stack.register(server.url)
  const service = serviceOf(server, {
    OS_AUTH_URL: stack.env.AUTH_URL as string,
    OS_IDENTITY_API_VERSION: '3',
    OS_USERNAME: 'admin',
    OS_PASSWORD: stackPassword,
    OS_PROJECT_NAME: 'admin',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: region.name,
  })
  return {
    ...service,
    projectId: stack.env.ADMIN_PROJECT_ID as string,
    [Symbol.asyncDispose]: async () => {
      await region[Symbol.asyncDispose]()
      await service[Symbol.asyncDispose]()
    },
  }
}

const serviceOf = (server: ServerProcess, env: Record<string, string>): Service => ({
  env,
  projectId: 'default',
  [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
})
