import { runtimesFolder } from '../../src/assets.ts'
import { readSettings } from '../../src/host/address.ts'
import type { EngineResult } from '../../src/host/engine.ts'
import { makeEngineClient } from '../../src/host/engine-client.ts'
import { readyEngine } from '../../src/host/ready-engine.ts'
import { storedCredentials } from '../../src/registry-credentials.ts'
import { progress } from './terminal.ts'

/** The engine for scripts, with the source tree's images; it is installed if it is missing and this is permitted. */
export function readyOwnEngine(): Promise<EngineResult> {
  const settings = readSettings()
  const { dockerHost, runtimes: versions } = settings
  const engine = makeEngineClient(dockerHost, storedCredentials(settings))
  return readyEngine({ engine, mayInstall: true, runtimesDir: runtimesFolder(''), versions }, progress)
}
