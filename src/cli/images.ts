import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { unpackAssets } from '../assets.ts'
import type { ImageRow, PrunedRow } from '../client/resources/images.ts'
import { sizeText } from '../domain/platform/data-facts.ts'
import { readSettings } from '../host/address.ts'
import { debianBaseName, newestSuite } from '../host/debian-base.ts'
import type { EngineClient } from '../host/engine-client.ts'
import { readRuntimeFolders } from '../host/runtime-folder.ts'
import { argumentAt, type Cli, CliError, type CommandSpec, type Options, textOption } from './command.ts'
import { withEngine } from './servers/host-engine.ts'
import type { Column } from './terminal/output.ts'
import { askConfirmation } from './terminal/prompts.ts'
import { timeText } from './terminal/table-columns.ts'

export const commands: CommandSpec[] = [
  {
    name: 'images ls',
    summary: "list the runtime and function images on the server's engine, and what uses each (for admins)",
    examples: ['taibai images ls'],
    async run(cli) {
      cli.out.rows(await cli.client().images.list(), columns, 'There are no images of runtimes or functions.')
    },
  },
  {
    name: 'images pull',
    summary: 'have the server pull images, with the credentials of "taibai registry login" (for admins)',
    arguments: [['<images...>', 'names']],
    examples: ['taibai images pull ghcr.io/me/tool:2'],
    async run(cli, args) {
      for (const image of args[0] as string[]) {
        cli.out.progress(`pulling ${image} …`)
        await cli.client().images.pull(image)
        cli.out.progress('')
        cli.out.line(`${image} is here.`)
      }
      cli.out.value({ pulled: args[0] }, () => {})
    },
  },
  {
    name: 'images save',
    summary: "save images of this machine's engine to a file, for a machine without a registry",
    arguments: [
      ['<file>', 'tar file in the format of "docker save"; "-" is standard output'],
      ['[images...]', 'image names; default: the runtime images and their base images'],
    ],
    examples: [
      'taibai images save images.tar',
      'taibai images save - ghcr.io/me/tool:2 | ssh shop taibai images load -',
    ],
    run: (cli, args) => withEngine((engine) => save(cli, engine, argumentAt(args, 0), args[1] as string[])),
  },
  {
    name: 'images load',
    summary: 'load images from a file of "images save" or "docker save" into this machine\'s engine',
    arguments: [['<file>', 'the tar file; "-" is standard input']],
    examples: ['taibai images load images.tar'],
    run: (cli, args) => withEngine((engine) => load(cli, engine, argumentAt(args, 0))),
  },
  {
    name: 'images push',
    summary: "copy images of this machine's engine to other engines, such as the nodes of a swarm",
    arguments: [['<engines...>', 'their addresses: ssh://me@node2, tcp://192.0.2.7:2376']],
    options: [['--images <names>', 'image names, separated by commas; default: the runtime images']],
    examples: [
      'taibai images push ssh://node2 ssh://node3',
      'taibai images push --images ghcr.io/me/tool:2 ssh://node2',
    ],
    run: (cli, args, options) =>
      withEngine((engine) => push(cli, engine, args[0] as string[], textOption(options, 'images'))),
  },
  {
    name: 'images prune',
    summary: 'remove the images that no function or runtime uses (for admins)',
    options: [
      ['--dry-run', 'only show what would be removed'],
      ['--other-releases', 'also remove runtime images of other releases; other installations may need them'],
      ['-y, --yes', 'do not ask'],
    ],
    examples: ['taibai images prune --dry-run', 'taibai images prune --yes'],
    run: (cli, _args, options) => prune(cli, options),
  },
]

const usersOf = ({ used_by, unused, other_release }: ImageRow): string =>
  other_release ? 'another release' : unused ? 'nothing' : used_by.join(', ')

const columns: Column<ImageRow>[] = [
  { title: 'NAME', value: ({ names, id }) => nameOf({ names, id }) },
  { title: 'SIZE', value: ({ size_bytes }) => sizeText(size_bytes), right: true },
  { title: 'CREATED', value: ({ created_at }) => timeText(created_at) },
  { title: 'USED BY', value: usersOf },
]

/** An image without names is shown by its id. */
const nameOf = ({ names, id }: Pick<ImageRow, 'names' | 'id'>): string =>
  names.length > 0 ? names.join(', ') : id.replace('sha256:', '').slice(0, 12)

async function save(cli: Cli, engine: EngineClient, file: string, asked: string[]): Promise<void> {
  const images = asked.length > 0 ? asked : await runtimeImages(engine)
  if (images.length === 0)
    throw new CliError('There are no images of runtimes yet: "taibai up" makes them.', 'notFound')
  for (const image of images) {
    if ((await engine.inspect(image)) === undefined) throw missing(image)
  }
  const archive = await engine.save(images)
  if (file === '-') return cli.out.pass(archive)
  const bytes = await writeFile(cli, archive, file)
  cli.out.value({ file, images, size_bytes: bytes }, () => {
    cli.out.line(
      `${file} has ${images.length} images, ${sizeText(bytes)}. On the other machine: taibai images load ${file}`,
    )
  })
}

/** Images that an engine already has are not sent again. */
async function push(cli: Cli, engine: EngineClient, addresses: string[], names: string | undefined): Promise<void> {
  const images = names?.split(',') ?? [...new Set(runtimes().map(({ image }) => image))]
  const ids = new Map<string, string>()
  for (const image of images) {
    const found = await engine.inspect(image)
    if (found === undefined) throw missing(image)
    ids.set(image, found.id)
  }
  const pushed: { engine: string; images: string[] }[] = []
  for (const address of addresses) {
    await withEngine(
      async (other) => {
        const missing: string[] = []
        for (const image of images) if ((await other.inspect(image))?.id !== ids.get(image)) missing.push(image)
        pushed.push({ engine: address, images: missing })
        if (missing.length === 0) return cli.out.line(`${address} has them already.`)
        const counter = counting(cli, `to ${address}`)
        await Promise.all([other.load(counter), pipeline(await engine.save(missing), counter)])
        cli.out.progress('')
        cli.out.line(`${address} has ${missing.join(', ')} now.`)
      },
      undefined,
      address,
    )
  }
  cli.out.value({ pushed }, () => {})
}

function missing(image: string): CliError {
  const isOfRuntime = runtimes().some((one) => one.image === image)
  const remedy = isOfRuntime
    ? '"taibai up" makes the images of runtimes, and "taibai runtimes build" alone does too.'
    : `"taibai images pull ${image}" fetches it, and "taibai images load" reads it from a file.`
  return new CliError(`The engine has no image ${image}: ${remedy}`, 'notFound')
}

function runtimes() {
  const { runtimesDir, cacheDir, runtimes: versions } = readSettings()
  unpackAssets(cacheDir)
  return readRuntimeFolders(runtimesDir, versions)
}

/** All names of local runtime images and their bases. */
async function runtimeImages(engine: EngineClient): Promise<string[]> {
  const all = runtimes()
  const names = all.flatMap(({ image, repository }) => [image, repository, `${repository}-base`])
  const bases = all.map(({ base: { suite = newestSuite } }) => debianBaseName(suite))
  const wanted = [...new Set([...names, ...bases])]
  const found = await Promise.all(
    wanted.map(async (name) => ((await engine.inspect(name)) === undefined ? [] : [name])),
  )
  return found.flat()
}

/** Writes atomically. */
async function writeFile(cli: Cli, archive: Readable, file: string): Promise<number> {
  const unfinished = `${file}.part`
  const counter = counting(cli, 'saved')
  try {
    await pipeline(archive, counter, createWriteStream(unfinished, { flush: true }))
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  } finally {
    cli.out.progress('')
  }
  await rename(unfinished, file)
  return counter.bytes
}

async function load(cli: Cli, engine: EngineClient, file: string): Promise<void> {
  if (file !== '-' && !existsSync(file)) throw new CliError(`There is no file ${file}.`, 'usage')
  const counter = counting(cli, 'loaded')
  const source: NodeJS.ReadableStream = file === '-' ? cli.inputStream() : createReadStream(file)
  source.once('error', (error) => counter.destroy(error))
  await engine.load(source.pipe(counter))
  cli.out.progress('')
  cli.out.value({ file, size_bytes: counter.bytes }, () => cli.out.line('The engine has the images now.'))
}

function counting(cli: Cli, word: string): Transform & { bytes: number } {
  const counter = Object.assign(
    new Transform({
      transform(piece: Buffer, _encoding, done) {
        counter.bytes += piece.length
        cli.out.progress(`${word} ${sizeText(counter.bytes)} …`)
        done(null, piece)
      },
    }),
    { bytes: 0 },
  )
  return counter
}

async function prune(cli: Cli, options: Options): Promise<void> {
  const client = cli.client()
  const which = options.otherReleases === true ? { other_releases: true } : {}
  const wouldGo = await client.images.prune({ ...which, dry_run: true })
  if (options.dryRun === true || wouldGo.removed.length === 0) return showPruned(cli, wouldGo)
  if (options.yes !== true) {
    for (const image of wouldGo.removed) cli.out.line(`- ${nameOf(image)}  ${sizeText(image.size_bytes)}`)
    if (!(await askConfirmation(cli, 'Remove these images?'))) return
  }
  showPruned(cli, await client.images.prune(which))
}

function showPruned({ out }: Cli, pruned: PrunedRow): void {
  out.value(pruned, () => {
    if (pruned.removed.length + pruned.kept.length === 0) return out.line('Every image is in use.')
    for (const image of pruned.removed) out.line(`- ${nameOf(image)}  ${sizeText(image.size_bytes)}`)
    for (const image of pruned.kept) out.line(`  ${nameOf(image)} stays: a container or another image uses it`)
    out.line(
      `${sizeText(pruned.freed_bytes)} ${pruned.dry_run ? 'would be' : 'are'} freed. Layers that images share are counted in each.`,
    )
  })
}
