import { apiHostName } from '../../../domain/platform/api-access.ts'
import type { SandboxSpec } from '../sandbox.ts'

/** The inside of a container, the same for each engine, and the labels by which the server finds its containers. */

export const instanceLabel = (instance: string): string => `io.taibai.instance=${instance}`
export const workerLabel = 'io.taibai.worker'

/** Name of the user of the processes inside, the same for each uid. */
export const userName = 'function'

/** Path of the worker's folder inside the container. */
export const folderInside = '/taibai'

/** Path of the secrets that a function gets as files: in memory, readable by its user only. */
export const secretsInside = '/run/secrets'

/** Path of the key of a worker without a folder: a volume of its own, filled before the start. */
export const keyFolder = '/taibai.key'
export const keyFile = 'key'

export const isWorker = ({ folder, key }: SandboxSpec): boolean => folder !== null || key !== undefined

/** Variables that programs take for granted. A function's own image brings its own. */
export function environmentOf(spec: SandboxSpec): Record<string, string> {
  const everywhere = { HOME: '/tmp', TMPDIR: '/tmp' }
  return isWorker(spec) ? { ...everywhere, LANG: 'C.UTF-8', USER: userName, LOGNAME: userName } : everywhere
}

export const apiUrl = (port: number): string => `http://${apiHostName}:${port}`
