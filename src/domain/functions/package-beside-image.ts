import type { ImageMode } from './function.ts'

/** Why an image does not get the package that it is to load; null: it gets it, or loads none. `sharesDisk`: of server and engine. */
export function packageRefusal(
  { mode, hasPackage }: { mode: ImageMode | null; hasPackage: boolean },
  sharesDisk: boolean,
): string | null {
  return mode === 'fission' && hasPackage && !sharesDisk ? noPackageBeside : null
}

export const noPackageBeside =
  'An image of mode "fission" reads its package from a disk that the engine shares with the server, and here they share none: build the code into the image.'
