import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { makeFolder } from '../folder.ts'
import { type Cli, CliError, type CommandSpec, usageError } from './command.ts'
import { manifestName } from './manifest.ts'
import { chosen, entered } from './questions.ts'

export const commands: CommandSpec[] = [
  {
    name: 'init',
    summary: 'begin a function: a folder with its first code and a taibai.yaml',
    arguments: [
      ['[runtime]', 'what to write it in, such as nodejs, python3 or executable (a script)'],
      ['[name]', 'of the function and its folder; a path says where the folder is; default: hello'],
    ],
    examples: ['taibai init nodejs hello', 'taibai init python3 functions/report'],
    async run(cli, args) {
      const templates = templatesIn(cli.runtimesDir)
      const template = await templateFor(cli, templates, args[0] as string | undefined)
      if (template === undefined) return
      const folder =
        (args[1] as string | undefined) ?? (cli.isInteractive ? await entered('What is it called?', 'hello') : 'hello')
      if (folder === undefined) return
      const name = basename(folder)
      if (!/^[\w-]+$/.test(name))
        throw usageError(`"${name}" is not a name of a function: use letters, digits, "-" and "_".`)
      begin(template, folder, name)
      cli.out.value({ folder, runtime: template.runtime }, () => {
        cli.out.line(`${folder}/ is there. Go on with:`)
        cli.out.line(`  cd ${folder}\n  taibai deploy\n  taibai invoke ${name} --data '{"name": "Li Bai"}' -v`)
      })
    },
  },
]

interface Template {
  runtime: string
  description: string
  folder: string
}

/** The first functions that the runtimes bring along. */
function templatesIn(runtimesDir: string): Template[] {
  return readdirSync(runtimesDir)
    .map((name) => join(runtimesDir, name))
    .filter((folder) => existsSync(join(folder, 'runtime.json')))
    .sort()
    .flatMap(templatesOf)
    .filter(({ folder }) => existsSync(folder))
    .sort((one, other) => Number(one.isTwin) - Number(other.isTwin))
}

/** Of a runtime, and of its twins that are written in something else. */
function templatesOf(folder: string): (Template & { isTwin: boolean })[] {
  const { also = [], ...own } = JSON.parse(readFileSync(join(folder, 'runtime.json'), 'utf8'))
  const named = ({ name, description }: { name: string; description: string }) => ({ runtime: name, description })
  return [
    { ...named(own), folder: join(folder, 'template'), isTwin: false },
    ...(also as []).map((twin: { name: string; description: string }) => ({
      ...named(twin),
      folder: join(folder, 'templates', twin.name),
      isTwin: true,
    })),
  ]
}

async function templateFor(cli: Cli, templates: Template[], wanted: string | undefined): Promise<Template | undefined> {
  const names = templates.map(({ runtime }) => runtime).join(', ')
  if (wanted === undefined) {
    if (!cli.isInteractive) throw usageError(`Say what to write it in: ${names}.`)
    const options = templates.map(({ runtime, description }) => ({ value: runtime, label: runtime, hint: description }))
    const runtime = await chosen('What is it written in?', options)
    return templates.find((template) => template.runtime === runtime)
  }
  const found = templates.find(({ runtime }) => runtime === wanted)
  if (found === undefined) throw usageError(`There is no template "${wanted}": choose one of ${names}.`)
  return found
}

function begin(template: Template, folder: string, name: string): void {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new CliError(`The folder ${folder} is there already and is not empty.`, 'usage')
  makeFolder(folder)
  cpSync(template.folder, folder, { recursive: true })
  writeFileSync(join(folder, manifestName), manifestText(name, template.runtime))
}

const manifestText = (
  name: string,
  runtime: string,
): string => `# What "taibai deploy" brings to the server. All fields: taibai deploy --schema
functions:
  ${name}:
    runtime: ${runtime}
    code: .
    timeout: 10
    # env:
    #   GREETING: hello
    # jobs:
    #   morning:
    #     pattern: "0 9 * * mon-fri"
    #     timezone: Europe/Berlin
`
