import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Client } from '../../client/client.ts'
import type { Deploying } from '../../client/deployment.ts'
import type { FunctionFields } from '../../client/resources/functions.ts'
import { codeOf } from '../code-of.ts'
import { functionSteps, howOf, triggerSteps, type WantedFunction, wantedFunction } from '../deployment.ts'
import { type ManifestFunction, manifestFile, readManifest } from '../manifest.ts'
import { readServerlessFile, templateIn, templateNames } from '../serverless-files.ts'

/** What `taibai dev` serves: the functions of a folder, read anew when it changes. */

export interface Project {
  /** The file that says the functions; undefined: the folder is the package of one. */
  file: string | undefined
  functions: DevFunction[]
}

export interface DevFunction {
  name: string
  /** Absolute path of its code; null: it is an image. */
  code: string | null
  /** As the file says it; empty for a package. */
  said: ManifestFunction
  wanted(how: Deploying): WantedFunction
}

/** Throws CliError when there is nothing to serve, or the file is wrong: with a line for each thing. */
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
      wanted: (how) => wantedFunction(name, said, folder, howOf(said, how)),
    }),
  )
  return { file: resolve(file), functions }
}

/** A template.yaml that says no functions is none of ours either. */
const asManifest = (file: string) => (templateNames.includes(basename(file)) ? null : readManifest(file))

function ofPackage(path: string): Project {
  const wanted = (how: Deploying): WantedFunction => {
    const { name, runtime, zip, entry, signature } = codeOf(path, how)
    return { name, runtime, zip, fields: { ...(entry && { entry }), ...(signature && { signature }) } }
  }
  return { file: undefined, functions: [{ name: wanted({}).name, code: resolve(path), said: {}, wanted }] }
}

/** What a change of these is a change of. */
export const rootsOf = ({ file, functions }: Project): string[] => [
  ...(file === undefined ? [] : [file]),
  ...functions.flatMap(({ code }) => code ?? []),
]

/** Those whose code lies where something was changed. Pure. */
export const changedBy = (paths: string[], functions: DevFunction[]): DevFunction[] =>
  functions.filter(({ code }) => code !== null && paths.some((path) => isWithin(code, path) || isWithin(path, code)))

const isWithin = (folder: string, path: string): boolean => {
  const inside = relative(folder, path)
  return inside === '' || !inside.startsWith('..')
}

export interface Served {
  client: Client
  /** The server is this session's: its aliases and jobs are nobody else's. */
  isOwn: boolean
  how: Deploying
  /** In the place of what the function says, for a debugger. */
  override(fn: DevFunction): FunctionFields
}

/** Brings a function to the server if it is not there as it is here. Says whether it was not. Throws ApiError, CliError. */
export async function serve(fn: DevFunction, { client, isOwn, how, override }: Served): Promise<boolean> {
  const wanted = fn.wanted(how)
  if (isOwn) await removeDebugged(client, fn.name, override(fn))
  const fields = { ...wanted.fields, ...override(fn) }
  const steps = await functionSteps(client, { ...wanted, fields }, howOf(fn.said, how))
  for (const step of steps) await step.take()
  const triggers = await triggerSteps(client, fn.name, triggersHere(fn.said, isOwn))
  for (const step of triggers) await step.take()
  return steps.length > 0
}

/** Of a session with a debugger: it would go on listening, without a timeout. */
async function removeDebugged(client: Client, name: string, { env }: FunctionFields): Promise<void> {
  const there = await client.functions.get(name).catch((error: { status?: number }) => {
    if (error.status === 404) return null
    throw error
  })
  const isOther = there?.env._TAIBAI_INSPECT !== undefined && there.env._TAIBAI_INSPECT !== env?._TAIBAI_INSPECT
  if (there !== null && isOther) await client.functions.delete(there.id, { cascade: true })
}

/** No job runs by itself here. An alias is the function as it is; those of a server that others use stay as they are. */
function triggersHere({ webhooks = {}, aliases = {} }: ManifestFunction, isOwn: boolean): ManifestFunction {
  const names = isOwn ? Object.keys(aliases) : []
  const own = Object.entries(webhooks).filter(([, webhook]) => isOwn || webhook?.alias === undefined)
  return { webhooks: Object.fromEntries(own), aliases: Object.fromEntries(names.map((name) => [name, 0])) }
}

/** Paths of a worker's code as they are on this machine, from the folder of the person on. Pure. */
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
