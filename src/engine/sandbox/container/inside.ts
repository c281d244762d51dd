import { hostNameInside } from '../../../domain/api-access.ts'
import type { SandboxSpec } from '../sandbox.ts'

/** What processes in a container find there, whichever engine made it, and the labels by which we find it. */

export const instanceLabel = (instance: string): string => `io.taibai.instance=${instance}`
export const workerLabel = 'io.taibai.worker'

/** Name of the user of the processes inside, whatever its number. */
export const userName = 'function'

/** Where a worker sees its own folder. */
export const folderInside = '/taibai'

/** Where its function finds secrets that it wants as files: in memory, and closed to all but its user. */
export const secretsInside = '/run/secrets'

/** Where a worker without a folder finds its key: a volume of its own, which is filled before it starts. */
export const keyFolder = '/taibai.key'
export const keyFile = 'key'

export const isWorker = ({ folder, key }: SandboxSpec): boolean => folder !== null || key !== undefined

/** What programs take for granted. The image of a function brings its own. */
export function environmentOf(spec: SandboxSpec): Record<string, string> {
  const everywhere = { HOME: '/tmp', TMPDIR: '/tmp' }
  return isWorker(spec) ? { ...everywhere, LANG: 'C.UTF-8', USER: userName, LOGNAME: userName } : everywhere
}

export const apiUrl = (port: number): string => `http://${hostNameInside}:${port}`
