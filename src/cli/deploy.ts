import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { Deploying } from '../client/deployment.ts'
import type { BuildRow } from '../client/resources/builds.ts'
import { buildGoesOnText, buildStartedText } from './builds.ts'
import { type Cli, type CommandSpec, type Options, textOption, usageError } from './command.ts'
import type { ForeignManifest } from './foreign/foreign-manifest.ts'
import { readServerlessFile, templateIn, templateNames } from './foreign/serverless-files.ts'
import { whiskSteps } from './foreign/whisk-entities.ts'
import { fieldOptions, fieldsOfOptions } from './function-options.ts'
import type { Step } from './manifest/difference.ts'
import { functionSteps } from './manifest/function-steps.ts'
import { readLocalCode } from './manifest/local-code.ts'
import { manifestFile, manifestJsonSchema, readManifest } from './manifest/manifest.ts'
import { imageCode } from './manifest/manifest-function.ts'
import { manifestSteps } from './manifest/manifest-steps.ts'

export const commands: CommandSpec[] = [
  {
    name: 'deploy',
    summary:
      'deploy a folder, a file, a ZIP, an image, a taibai.yaml, template.yaml, serverless.yml, stack.yaml or manifest.yaml; unchanged parts stay as they are',
    arguments: [['[path]', 'default: this folder']],
    options: [
      ['--name <name>', "name of the function; default: the folder's or file's name"],
      ['--image <image>', 'a container image instead of code'],
      [
        '--mode <mode>',
        'mode of an image: command (runs once for each call), http (keeps running, called over HTTP), openwhisk (action image), lambda (AWS Lambda image), azure (the app in an image of Azure Functions) or fission (Fission environment, which loads the path)',
      ],
      ['--port <port>', 'port on which an image of mode http listens'],
      ['--command <words>', "handler of an image of mode lambda, instead of the image's command"],
      ...fieldOptions,
      ['--no-build', 'deploy the code as it is, without a build; it contains its dependencies'],
      ['--rebuild', "install the dependencies again, without the folder's node_modules"],
      [
        '--bundle',
        "bundle the entry's module and its imports from the folder into one file (TypeScript, tsconfig paths)",
      ],
      ['--async', 'do not wait for a build: it continues on the server, and its result is deployed'],
      ['--check', 'load the code in a worker first, and change nothing if it does not load'],
      ['--dry-run', 'only show what would change'],
      ['--schema', 'print the JSON Schema of taibai.yaml, for editors'],
    ],
    examples: [
      'taibai deploy',
      'taibai deploy hello.mjs --name hello --timeout 30',
      'taibai deploy --check',
      'taibai deploy api --rebuild',
      'taibai deploy --image ghcr.io/me/tool:2 --name tool --dry-run',
    ],
    async run(cli, args, options) {
      if (options.schema === true) return cli.out.raw(`${JSON.stringify(manifestJsonSchema(), null, 2)}\n`)
      const steps = await stepsOf(cli, args[0] as string | undefined, options)
      showSteps(cli, steps, options.dryRun === true)
      if (options.dryRun === true) return
      for (const step of steps) {
        cli.out.progress(`${step.what} …`)
        await step.take()
      }
      cli.out.progress('')
      if (steps.length === 0) return
      const done =
        options.async === true ? 'Deployed, except for what is still being built.' : 'Deployed: the next call sees it.'
      cli.out.line(cli.out.style('green', done))
    },
  },
]

async function stepsOf(cli: Cli, path: string | undefined, options: Options): Promise<Step[]> {
  const fields = fieldsOfOptions(options)
  const how = deploying(cli, options)
  const image = textOption(options, 'image')
  if (image !== undefined) return imageSteps(cli, image, path, options)
  const file = manifestFile(path ?? '.') ?? templateIn(path ?? '.')
  if (file !== undefined && !existsSync(file)) throw usageError(`There is no file ${file}.`)
  const found = file === undefined ? null : described(cli, file)
  if (found !== null) {
    if (Object.keys(fields).length > 0 || options.name !== undefined) {
      throw usageError(
        `${file} describes the functions, so options are refused: change them in the file, or deploy a single folder or file.`,
      )
    }
    const client = cli.client()
    const { manifest, folder, entities = [] } = found
    return [...(await manifestSteps(client, manifest, folder, how)), ...(await whiskSteps(client, entities))]
  }
  const code = readLocalCode(path ?? '.', how, fields)
  const { runtime = code.runtime, ...rest } = fields
  const name = textOption(options, 'name') ?? code.name
  const entry = fields.entry ?? code.entry
  if (!cli.out.json) cli.out.warn(cli.out.style('dim', `${name}: ${code.what}${runtime ? `, ${runtime}` : ''}`))
  const { signature = code.signature } = rest
  const fileTimeout = rest.timeout === undefined ? code.timeout : undefined
  const given = {
    ...rest,
    ...(entry !== undefined && { entry }),
    ...(signature !== undefined && { signature }),
  }
  const { zip, isGuessed, codeIn } = code
  const wanted = { name, runtime, namedRuntime: fields.runtime, zip, fields: given, fileTimeout, isGuessed, codeIn }
  return functionSteps(cli.client(), wanted, how)
}

/** A build's output goes to standard error, so that the command's own output stays the same. */
function deploying(cli: Cli, { check, build, rebuild, bundle, async }: Options): Deploying {
  if (build === false && (rebuild === true || bundle === true)) {
    throw usageError('--no-build builds nothing: leave it out, or --rebuild and --bundle.')
  }
  return {
    ...(check === true && { check: 'load' as const }),
    ...(build === false && { build: 'never' as const }),
    ...(rebuild === true && { build: 'always' as const, withoutModules: true }),
    ...(bundle === true && { bundle: true }),
    ...(async === true && { async: true }),
    onBuild: (begun) => (async === true ? cli.out.warn(buildStartedText(begun)) : leaveWhenInterrupted(cli, begun)),
    onOutput: (text) => cli.out.warn(text.replace(/\n$/, '')),
  }
}

/** The first Ctrl-C during a build says that it goes on, and how to follow or cancel it; the second one leaves. */
function leaveWhenInterrupted(cli: Cli, build: BuildRow): void {
  const text = `${buildGoesOnText(build)} (Ctrl-C again ends this command)`
  cli.interrupted.addEventListener('abort', () => cli.out.warn(text), { once: true })
}

/** Null: the file describes no functions. Reports the detected format and what is left out. */
function described(cli: Cli, file: string): Pick<ForeignManifest, 'manifest' | 'folder' | 'entities'> | null {
  const translated = readServerlessFile(file)
  if (translated === null) return templateNames.includes(basename(file)) ? null : readManifest(file)
  const { kind, leftOut, paths } = translated
  if (!cli.out.json) {
    cli.out.warn(cli.out.style('dim', `${file} is recognised as ${kind}.`))
    for (const path of paths) cli.out.warn(cli.out.style('dim', `  ${path}`))
    for (const line of leftOut) cli.out.warn(`  left out: ${line}`)
  }
  return translated
}

/** `path`: the package that an environment of Fission loads. */
function imageSteps(cli: Cli, image: string, path: string | undefined, options: Options): Promise<Step[]> {
  const name = textOption(options, 'name')
  if (name === undefined) throw usageError('The function needs a name: pass --name.')
  const [mode, port] = [textOption(options, 'mode'), textOption(options, 'port')]
  const command = textOption(options, 'command')?.split(' ')
  const { runtime: _runtime, entry, ...fields } = fieldsOfOptions(options)
  const isFission = mode === 'fission'
  if (path !== undefined && !isFission) {
    throw usageError('--image replaces the code: leave the path out. Only --mode fission loads a package.')
  }
  const code = imageCode({ image, mode, command, ...(port && { port: Number(port) }), ...(isFission && { entry }) })
  const zip = path === undefined ? {} : { zip: readLocalCode(path).zip }
  const given = isFission || entry === undefined ? fields : { ...fields, entry }
  return functionSteps(cli.client(), { name, fields: given, runtime: undefined, image: code, ...zip })
}

const signs = { create: '+', change: '~', remove: '-' } as const
const colours = { create: 'green', change: 'yellow', remove: 'red' } as const

function showSteps(cli: Cli, steps: Step[], isDry: boolean): void {
  const { out } = cli
  const shown = steps.map(({ kind, what, details }) => ({ kind, what, details }))
  out.value({ dry_run: isDry, steps: shown }, () => {
    if (steps.length === 0) out.line('Nothing has changed.')
    for (const { kind, what, details } of steps) {
      out.line(
        `${out.style(colours[kind], signs[kind])} ${what}${details.length > 0 ? `  ${out.style('dim', details.join(', '))}` : ''}`,
      )
    }
  })
}
