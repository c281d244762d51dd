import { describe, test } from 'vitest'
import { askDocker } from './docker-api.ts'

/** Whether tests with containers can run, and what becomes of them where they cannot: a skip that is seen, in CI a failure. */

const inCi = process.env.CI === 'true' || process.env.TAIBAI_REQUIRE_DOCKER === '1'

const problem = await whatIsMissing()
if (problem !== null) console.warn(`NO CONTAINERS: ${problem}${inCi ? '' : ' The tests that need them are skipped.'}`)

/** A block of tests that need containers. */
export function describeWithDocker(title: string, tests: () => void): void {
  if (problem === null) describe(title, tests)
  else if (inCi) test(title, () => Promise.reject(new Error(`${problem} Here containers are required.`)))
  else describe.skip(`${title} (skipped: ${problem})`, tests)
}

async function whatIsMissing(): Promise<string | null> {
  if (process.env.TAIBAI_TEST_DOCKER === '0') return 'There is no Docker engine with the images of the runtimes.'
  try {
    await askDocker('GET', '/version')
    return null
  } catch (error) {
    return `The Docker engine does not answer (${(error as Error).message}); npm test starts one.`
  }
}
