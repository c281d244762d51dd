import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { hashFolder, imageTagger } from '../../assets.ts'
import type { BuilderFacts } from '../../domain/functions/build.ts'
import { type RuntimeManifest, requestedVersions } from '../../domain/functions/runtime.ts'
import { signatureNames } from '../../domain/functions/signature.ts'

const signature = z.enum(signatureNames)
const pattern = z.string().transform((text) => new RegExp(text, 'm'))

const name = z.string().regex(/^[\w-]+$/)

/** Further runtimes that share one image. */
const twins = z
  .array(z.object({ name, signature, description: z.string(), languages: z.array(z.string()).optional() }))
  .default([])

/** The fields of runtime.json that the server needs; see `runtimes/README.md`. */
const manifestFile = z
  .object({
    name,
    description: z.string(),
    optional: z.boolean().default(false),
    image: z.string().min(1),
    command: z.array(z.string()).min(1),
    shim: z.string().min(1),
    languages: z.array(z.string()).default([]),
    signature,
    signatures: z.array(signature).min(1),
    min_memory: z.number().int().positive(),
    default_entry: z.string().regex(/.\../, 'must be module.callable'),
    builder: z
      .object({
        lists: z.array(z.object({ file: z.string(), needs: pattern })).min(1),
        files: z.array(z.string()).min(1),
        whole: pattern,
        installed: z.array(z.string()),
        bundles: z.boolean().default(false),
        host_program: z.enum(['npm', 'pip']).nullable().default(null),
        at_load: z.boolean().default(false),
        programs: z.object({ signature, makes: z.string() }).optional(),
      })
      .optional(),
    also: twins,
    versions: z.array(z.object({ name, description: z.string(), image: z.string().min(1), also: twins })).default([]),
  })
  .refine(
    ({ signatures, versions, ...own }) =>
      [own, ...own.also, ...versions.flatMap(({ also }) => also)].every(({ signature }) =>
        signatures.includes(signature),
      ),
    { path: ['signature'], message: 'its own signature and those of "also" must be among "signatures"' },
  )

/**
 * The runtimes of a folder by name, twins included. `asked`: names of further languages and versions, which are read only on
 * request. `ofHost`: workers are processes of this machine, with its language versions. Throws an Error that names the invalid
 * file or the missing runtime.
 */
export function readRuntimes(folder: string, asked: string[] = [], { ofHost = false } = {}): RuntimeManifest[] {
  const { usual, further, versions } = allIn(folder)
  const names = [...usual.map(({ name }) => name), ...further.flatMap(({ names }) => names)]
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new Error(`The runtime ${twice} is defined twice in ${folder}.`)
  if (ofHost) refuseVersions(versions, asked)
  const known = usual.map(({ name }) => name)
  return [...usual, ...requestedVersions(further, asked, known).flatMap(({ runtimes }) => runtimes)]
}

/** The runtimes of a folder that are there only on request: what requests each, by its name. */
export const furtherRuntimes = (folder: string): Map<string, string> =>
  new Map(
    runtimePaths(folder)
      .map(readManifest)
      .flatMap(({ optional, versions, ...own }) => (optional ? [own, ...versions] : versions))
      .flatMap(({ name, also }) =>
        [name, ...also.map((twin) => twin.name)].map((each): [string, string] => [each, name]),
      ),
  )

function allIn(folder: string): { usual: RuntimeManifest[]; further: ImageRuntimes[]; versions: ImageRuntimes[] } {
  const read = runtimePaths(folder).map(readRuntime)
  const languages = read.map(({ language }) => language)
  const usual = languages.flatMap(({ runtimes, isOptional }) => (isOptional ? [] : runtimes))
  const versions = read.flatMap(({ versions }) => versions)
  return { usual, further: [...languages.filter(({ isOptional }) => isOptional), ...versions], versions }
}

function refuseVersions(versions: ImageRuntimes[], asked: string[]): void {
  const names = versions.flatMap(({ names }) => names).filter((name) => asked.includes(name))
  if (names.length === 0) return
  throw new Error(
    `TAIBAI_RUNTIMES: ${names.join(' and ')} needs containers; the process engine uses the language versions of this machine.`,
  )
}

/** A language, or a version of one, with the runtimes of its image. */
interface ImageRuntimes {
  names: string[]
  runtimes: RuntimeManifest[]
  isOptional: boolean
}

const runtimePaths = (folder: string): string[] =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => existsSync(join(path, 'runtime.json')))

function readManifest(path: string): z.output<typeof manifestFile> {
  const file = join(path, 'runtime.json')
  const parsed = manifestFile.safeParse(readJson(file))
  if (!parsed.success) throw new Error(`${file} is not a runtime:\n${z.prettifyError(parsed.error)}`)
  return parsed.data
}

function readRuntime(path: string): { language: ImageRuntimes; versions: ImageRuntimes[] } {
  const {
    shim,
    also,
    versions,
    optional,
    min_memory: minMemoryBytes,
    default_entry: defaultEntry,
    ...own
  } = readManifest(path)
  const tagged = imageTagger(path)
  const common = { ...own, shimPath: join(path, shim), minMemoryBytes, defaultEntry }
  const made = <Kind extends { image: string }>(
    kind: Kind,
    also: z.output<typeof twins>,
    isOptional: boolean,
  ): ImageRuntimes => {
    const image = tagged(kind.image)
    const builder = own.builder && builderFacts(path, image, own.builder)
    const first = { ...common, ...kind, builder, image, repository: kind.image }
    const twinOf = ({ languages = own.languages, ...twin }: z.output<typeof twins>[number]) => ({
      ...first,
      ...twin,
      languages,
    })
    const runtimes: RuntimeManifest[] = [first, ...also.map(twinOf)]
    return { names: runtimes.map(({ name }) => name), runtimes, isOptional }
  }
  return {
    language: made(own, also, optional),
    versions: versions.map(({ also, ...version }) => made(version, also, true)),
  }
}

type GivenBuilder = NonNullable<z.output<typeof manifestFile>['builder']>

/** The builder image is made from the runtime's image and the files of its folder. */
function builderFacts(
  path: string,
  runtimeImage: string,
  { host_program, at_load, programs, ...given }: GivenBuilder,
): BuilderFacts {
  const folder = join(path, 'builder')
  const [repository = '', tag = ''] = runtimeImage.split(/:(?=[^/]*$)/)
  const hash = createHash('sha256')
    .update(`${tag} ${hashFolder(folder)}`)
    .digest('hex')
  return {
    ...given,
    folder,
    image: `${repository}-builder:${hash.slice(0, 12)}`,
    hostProgram: host_program,
    atLoad: at_load,
    ...(programs !== undefined && { programs }),
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`${file} is not a runtime: it cannot be read as JSON.`, { cause })
  }
}
