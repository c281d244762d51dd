import { runtimesShown } from './kinds.ts'

/** The API's description of itself. */
export const aboutApi = (): object => ({
  description: 'OpenWhisk API, answered by Taibai',
  api_version: '1.0.0',
  api_version_path: 'v1',
  build: 'taibai',
  buildno: 'taibai',
  support: {},
  limits: { concurrent_actions: manyCalls, actions_per_minute: manyCalls, triggers_per_minute: manyCalls },
  runtimes: runtimesShown(),
})

/** Our limits are per project and function, which this format cannot express: large numbers stand for none. */
const manyCalls = 1_000_000

export const limitsShown = (): object => ({
  concurrentInvocations: manyCalls,
  invocationsPerMinute: manyCalls,
  firesPerMinute: manyCalls,
})
