import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Client } from '../../client/client.ts'
import type { Deploying } from '../../client/deployment.ts'
import type { FunctionFields } from '../../client/resources/functions.ts'
import { readServerlessFile, templateIn, templateNames } from '../foreign/serverless-files.ts'
import { functionSteps } from '../manifest/function-steps.ts'
import { readLocalCode } from '../manifest/local-code.ts'
import { type ManifestFunction, manifestFile, readManifest } from '../manifest/manifest.ts'
import { functionInManifest, type ManifestFunctionState } from '../manifest/manifest-function.ts'
import { howOf } from '../manifest/manifest-steps.ts'
import { triggerSteps } from '../manifest/trigger-steps.ts'

/** The functions that `taibai dev` serves, read again when the folder changes. */

export interface Project {
  /** The manifest; undefined: the folder is the package of one function. */
  file: string | undefined
  functions: DevFunction[]
}

export interface DevFunction {
  name: string
  /** Absolute path of its code; null: it is an image. */
  code: string | null
  /** Its entry in the manifest; empty without one. */
  said: ManifestFunction
  wanted(how: Deploying): ManifestFunctionState
}

/** Throws CliError when there is nothing to serve, or with a line for each problem of the manifest. */
export function readProject(path: string): Project {
  const file = manifestFile(path) ?? templateIn(path)
  const described = file === undefined ? null : (readServerlessFile(file) ?? asManifest(file))
  if (file === undefined || described === null) return ofPackage(path)
  const { manifest, folder } = described
  const functions = Object.entries(manifest.functions).map(
    ([name, said]): DevFunction => ({
      name,
      said,
      code: said.image === undefined ? resolve(folder, said.code ?? name) : null,
      wanted: (how) => functionInManifest(name, said, folder, howOf(said, how)),
    }),
  )
  return { file: resolve(file), functions }
}

/** A template.yaml without functions belongs to something else. */
const asManifest = (file: string) => (templateNames.includes(basename(file)) ? null : readManifest(file))

function ofPackage(path: string): Project {
  const wanted = (how: Deploying): ManifestFunctionState => {
    const { name, runtime, zip, entry, signature, isGuessed } = readLocalCode(path, how)
    return { name, runtime, zip, fields: { ...(entry && { entry }), ...(signature && { signature }) }, isGuessed }
  }
  return { file: undefined, functions: [{ name: wanted({}).name, code: resolve(path), said: {}, wanted }] }
}

/** The paths to watch for a project. */
export const rootsOf = ({ file, functions }: Project): string[] => [
  ...(file === undefined ? [] : [file]),
  ...functions.flatMap(({ code }) => code ?? []),
]

/** The functions whose code is below a changed path. Pure. */
export const functionsAt = (paths: string[], functions: DevFunction[]): DevFunction[] =>
  functions.filter(({ code }) => code !== null && paths.some((path) => isWithin(code, path) || isWithin(path, code)))

const isWithin = (folder: string, path: string): boolean => {
  const inside = relative(folder, path)
  return inside === '' || !inside.startsWith('..')
}

export interface DeployTarget {
  client: Client
  /** True when the session started the server, so that aliases and jobs belong to nobody else. */
  isOwn: boolean
  how: Deploying
  /** Fields that replace the function's own, for a debugger. */
  override(fn: DevFunction): FunctionFields
}

/** Deploys a function unless the server already has it. Returns whether it was deployed. Throws ApiError, CliError. */
export async function deployFunction(
  fn: DevFunction,
  { client, isOwn, how, override }: DeployTarget,
): Promise<boolean> {
  const wanted = fn.wanted(how)
  if (isOwn) await removeDebugged(client, fn.name, override(fn))
  const fields = { ...wanted.fields, ...override(fn) }
  const steps = await functionSteps(client, { ...wanted, fields }, howOf(fn.said, how))
  for (const step of steps) await step.take()
  const triggers = await triggerSteps(client, fn.name, triggersHere(fn.said, isOwn))
  for (const step of triggers) await step.take()
  return steps.length > 0
}

/** Removes a function that was deployed for a debugger: otherwise it would keep listening, without a timeout. */
async function removeDebugged(client: Client, name: string, { env }: FunctionFields): Promise<void> {
  const there = await client.functions.get(name).catch((error: { status?: number }) => {
    if (error.status === 404) return null
    throw error
  })
  const isOther = there?.env._TAIBAI_INSPECT !== undefined && there.env._TAIBAI_INSPECT !== env?._TAIBAI_INSPECT
  if (there !== null && isOther) await client.functions.delete(there.id, { cascade: true })
}

/** Jobs do not run by themselves here. An alias points at the current function; aliases on a shared server stay unchanged. */
function triggersHere({ webhooks = {}, aliases = {} }: ManifestFunction, isOwn: boolean): ManifestFunction {
  const names = isOwn ? Object.keys(aliases) : []
  const own = Object.entries(webhooks).filter(([, webhook]) => isOwn || webhook?.alias === undefined)
  return { webhooks: Object.fromEntries(own), aliases: Object.fromEntries(names.map((name) => [name, 0])) }
}

/** Replaces a worker's paths of the code by paths on this machine, relative to the person's folder. Pure. */
export function localPaths(text: string, code: string | null, from: string): string {
  if (code === null) return text
  const folder = /\.\w+$/.test(code) ? dirname(code) : code
  const here = relative(from, folder)
  const prefix = here === '' ? '' : `${here}/`
  return text
    .replace(/(?:\/\S*\/packages\/[0-9a-f]{64}|\/taibai)\/code\//g, prefix)
    .replace(/(^|[\s('"])([\w./-]+\.(?:[cm]?[jt]sx?|py))(?=:\d)/gm, (all, before, path) =>
      prefix === '' || path.startsWith('/') || path.startsWith(prefix) || path.includes('node:')
        ? all
        : `${before}${join(prefix, path)}`,
    )
}
