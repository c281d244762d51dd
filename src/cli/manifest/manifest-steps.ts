import type { Client } from '../../client/client.ts'
import type { Deploying } from '../../client/deployment.ts'
import type { Step } from './difference.ts'
import { functionSteps } from './function-steps.ts'
import type { Manifest, ManifestFunction } from './manifest.ts'
import { functionInManifest } from './manifest-function.ts'
import { triggerSteps } from './trigger-steps.ts'

/** Build options of the command line have priority over the file. */
export function howOf({ build }: ManifestFunction, how: Deploying): Deploying {
  if (how.build !== undefined || build === undefined) return how
  if (build === false) return { ...how, build: 'never' }
  return { ...how, build: 'auto', withoutModules: build === true }
}

/** All steps of a manifest: functions first, because the others refer to them. */
export async function manifestSteps(
  client: Client,
  manifest: Manifest,
  folder: string,
  how: Deploying = {},
): Promise<Step[]> {
  const functions = await Promise.all(
    Object.entries(manifest.functions).map(([name, fn]) => {
      const own = howOf(fn, how)
      return functionSteps(client, functionInManifest(name, fn, folder, own), own)
    }),
  )
  const triggers = await Promise.all(
    Object.entries(manifest.functions).map(([name, fn]) => triggerSteps(client, name, fn)),
  )
  return [...functions, ...triggers].flat()
}
