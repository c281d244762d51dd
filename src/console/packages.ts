import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate'
import type { BuildRow } from '../client/resources/builds.ts'
import type { FunctionRow } from '../client/resources/functions.ts'
import { answered, apiRequest } from './api.ts'

/** Packages of source files, read and built in the browser. */

export type Files = Record<string, Uint8Array>

export const readPackage = (bytes: ArrayBuffer): Files =>
  Object.fromEntries(Object.entries(unzipSync(new Uint8Array(bytes))).filter(([name]) => !name.endsWith('/')))

export const textOf = (bytes: Uint8Array): string => strFromU8(bytes)
export const bytesOf = (text: string): Uint8Array => strToU8(text)

/** Binary files cannot be edited. */
export const isText = (bytes: Uint8Array): boolean => bytes.length < 1_000_000 && !bytes.subarray(0, 8000).includes(0)

export const makePackage = (files: Files): Blob =>
  new Blob([zipSync(files, { level: 6 }) as Uint8Array<ArrayBuffer>], { type: 'application/zip' })

export const openPackage = async (id: string, version = 0): Promise<Files> => {
  const place = version === 0 ? '' : `/versions/${version}`
  const answer = await apiRequest('GET', `/v1/functions/${encodeURIComponent(id)}${place}?download=true`)
  if (!answer.ok) return answered<never>(answer)
  return readPackage(await answer.arrayBuffer())
}

/** The result of an upload: the function, or the build that continues. */
export type UploadResult = { fn: FunctionRow; build?: never } | { build: BuildRow; fn?: never }

export async function sendPackage(method: 'POST' | 'PUT', path: string, zip: Blob): Promise<UploadResult> {
  const headers = { 'Content-Type': 'application/zip', Prefer: 'respond-async' }
  const answer = await apiRequest(method, path, { body: zip, headers })
  return answer.status === 202
    ? { build: await answered<BuildRow>(answer) }
    : { fn: await answered<FunctionRow>(answer) }
}

/** Waits for the function, however long its build takes. */
export const deployPackage = async (path: string, zip: Blob): Promise<FunctionRow> =>
  answered<FunctionRow>(await apiRequest('POST', path, { body: zip, headers: { 'Content-Type': 'application/zip' } }))
