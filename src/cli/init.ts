import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeFolder } from '../folder.ts'
import { type Cli, CliError, type CommandSpec, usageError } from './command.ts'
import { manifestName } from './manifest/manifest.ts'
import { renamed, type Template, templatesIn } from './manifest/templates.ts'
import type { Column } from './terminal/output.ts'
import { askChoice, askText } from './terminal/prompts.ts'

export const commands: CommandSpec[] = [
  {
    name: 'init',
    summary: "create a folder with a new function's code and a taibai.yaml; without arguments, list the templates",
    arguments: [
      [
        '[template]',
        'a runtime, such as nodejs, python3, go or executable (a script), or an example, such as sqlite-api',
      ],
      ['[name]', "name or path of the function's folder; default: hello, or the example's name"],
    ],
    examples: [
      'taibai init',
      'taibai init nodejs hello',
      'taibai init python3 functions/report',
      'taibai init chat-bot',
    ],
    async run(cli, args) {
      const templates = templatesIn(cli.runtimesDir)
      if (args[0] === undefined && !cli.isInteractive) return list(cli, templates)
      const template = await templateFor(templates, args[0] as string | undefined)
      if (template === undefined) return
      const usual = template.isExample ? template.name : 'hello'
      const folder =
        (args[1] as string | undefined) ?? (cli.isInteractive ? await askText('What is it called?', usual) : usual)
      if (folder === undefined) return
      const name = basename(folder)
      if (!/^[\w-]+$/.test(name))
        throw usageError(`"${name}" is not a valid name of a function: use letters, digits, "-" and "_".`)
      begin(template, folder, name)
      const { runtime } = template
      cli.out.value({ folder, runtime, template: template.name }, () => sayHowToGoOn(cli, template, folder, name))
    },
  },
]

const columns: Column<Template>[] = [
  { title: 'TEMPLATE', value: ({ name }) => name },
  { title: 'RUNTIME', value: ({ runtime }) => runtime },
  { title: 'WHAT IT IS', value: ({ description }) => description },
]

function list({ out }: Cli, templates: Template[]): void {
  const rows = templates.map(({ name, runtime, description, isExample }) => ({
    ...{ name, runtime, description },
    example: isExample,
  }))
  out.value(rows, () => {
    out.rows(templates, columns, '')
    out.line('\nBegin with: taibai init TEMPLATE [NAME]')
  })
}

async function templateFor(templates: Template[], wanted: string | undefined): Promise<Template | undefined> {
  if (wanted === undefined) {
    const options = templates.map(({ name, description }) => ({ value: name, label: name, hint: description }))
    const name = await askChoice('Which template does it start from?', options)
    return templates.find((template) => template.name === name)
  }
  const found = templates.find(({ name }) => name === wanted)
  const names = templates.map(({ name }) => name).join(', ')
  if (found === undefined) throw usageError(`There is no template "${wanted}": choose one of ${names}.`)
  return found
}

function begin(template: Template, folder: string, name: string): void {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new CliError(`The folder ${folder} exists already and is not empty.`, 'usage')
  for (const [path, content] of renamed(template, template.isExample ? name : template.name)) {
    makeFolder(dirname(join(folder, path)))
    const isScript = content.subarray(0, 2).toString() === '#!'
    writeFileSync(join(folder, path), content, { mode: isScript ? 0o755 : 0o644 })
  }
  if (!template.isExample) writeFileSync(join(folder, manifestName), manifestText(name, template.runtime))
}

function sayHowToGoOn({ out }: Cli, { isExample }: Template, folder: string, name: string): void {
  out.line(`${folder}/ is ready. Next:`)
  out.line(`  cd ${folder}`)
  out.line('  taibai dev        # serves it while you edit it')
  out.line('  taibai deploy     # brings it to the server')
  if (isExample) out.line('README.md says more.')
  else out.line(`  taibai invoke ${name} --data '{"name": "Li Bai"}' -v`)
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
