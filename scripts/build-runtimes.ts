// Builds the container image of every runtime in runtimes/, and skips unchanged ones. `--refresh` asks registries and mirrors
// again.
import { runtimesFolder } from '../src/assets.ts'
import { readSettings } from '../src/host/address.ts'
import { makeEngineClient } from '../src/host/engine-client.ts'
import { readRuntimeFolders } from '../src/host/runtime-folder.ts'
import { buildRuntimes, showBuilt } from '../src/host/runtime-images.ts'
import { storedCredentials } from '../src/registry-credentials.ts'
import { progress, runScript } from './setup/terminal.ts'

async function main(): Promise<undefined> {
  progress.step('Runtime images')
  const settings = readSettings()
  const { dockerHost, runtimes: versions } = settings
  const engine = makeEngineClient(dockerHost, storedCredentials(settings))
  const refresh = process.argv.includes('--refresh')
  const runtimes = readRuntimeFolders(runtimesFolder(''), versions)
  const built = await buildRuntimes({ engine, runtimes, refresh, report: progress.detail })
  showBuilt(built, progress)
}

await runScript(main)
