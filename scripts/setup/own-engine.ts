import { runtimesFolder } from '../../src/assets.ts'
import { readSettings } from '../../src/host/address.ts'
import type { EngineResult } from '../../src/host/engine.ts'
import { makeEngineClient } from '../../src/host/engine-client.ts'
import { readyEngine } from '../../src/host/ready-engine.ts'
import { progress } from './terminal.ts'

/** The engine that scripts use, with the images of the source tree; one is installed where it is missing and may be. */
export function readyOwnEngine(): Promise<EngineResult> {
  const { dockerHost } = readSettings()
  const engine = makeEngineClient(dockerHost)
  return readyEngine({ engine, mayInstall: true, runtimesDir: runtimesFolder('') }, progress)
}
