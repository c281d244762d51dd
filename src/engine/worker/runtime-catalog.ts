import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { taggedImage } from '../../assets.ts'
import type { RuntimeManifest } from '../../domain/runtime.ts'
import { signatureNames } from '../../domain/signature.ts'

const signature = z.enum(signatureNames)

/** What `runtimes/README.md` says of runtime.json, as far as the server needs it. */
const manifestFile = z
  .object({
    name: z.string().regex(/^[\w-]+$/),
    description: z.string(),
    image: z.string().min(1),
    command: z.array(z.string()).min(1),
    shim: z.string().min(1),
    languages: z.array(z.string()).default([]),
    signature,
    signatures: z.array(signature).min(1),
    min_memory: z.number().int().positive(),
    default_entry: z.string().regex(/.\../, 'must be module.callable'),
    also: z.array(z.object({ name: z.string(), signature, description: z.string() })).default([]),
  })
  .refine(({ signatures, ...own }) => [own, ...own.also].every(({ signature }) => signatures.includes(signature)), {
    path: ['signature'],
    message: 'its own signature and those of "also" must be among "signatures"',
  })

/** The runtimes of a folder, twins included, by name. Throws an Error that names the file that is wrong. */
export function readRuntimes(folder: string): RuntimeManifest[] {
  const runtimes = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => existsSync(join(path, 'runtime.json')))
    .flatMap((path) => readRuntime(path))
  const names = runtimes.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new Error(`The runtime ${twice} is defined twice in ${folder}.`)
  return runtimes
}

function readRuntime(path: string): RuntimeManifest[] {
  const file = join(path, 'runtime.json')
  const parsed = manifestFile.safeParse(readJson(file))
  if (!parsed.success) throw new Error(`${file} is not a runtime:\n${z.prettifyError(parsed.error)}`)
  const { shim, also, min_memory: minMemoryBytes, default_entry: defaultEntry, image: repository, ...own } = parsed.data
  const image = taggedImage(path, repository)
  const first: RuntimeManifest = { ...own, image, repository, shimPath: join(path, shim), minMemoryBytes, defaultEntry }
  return [first, ...also.map((twin) => ({ ...first, ...twin }))]
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`${file} is not a runtime: it cannot be read as JSON.`, { cause })
  }
}
