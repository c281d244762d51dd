import { writeFileSync } from 'node:fs'
import { argumentAt, type CommandSpec, textOption, usageError } from './command.ts'
import { fieldOptions, fieldsOfOptions } from './function-options.ts'
import { findFunction, parseTarget } from './servers/target.ts'
import { runtimeName, showFunction } from './terminal/function-text.ts'
import { askConfirmation } from './terminal/prompts.ts'
import { functionColumns } from './terminal/table-columns.ts'

export const commands: CommandSpec[] = [
  {
    name: 'list',
    summary: 'show the functions',
    options: [['--all-projects', 'of every project (for admins)']],
    examples: ['taibai list', 'taibai list --json'],
    async run(cli, _args, options) {
      const client = cli.client()
      const [rows, runtimes] = await Promise.all([
        client.functions.list(options.allProjects === true ? { all_projects: true } : {}),
        client.runtimes.list(),
      ])
      const names = new Map(runtimes.map(({ id, name }) => [id, name]))
      cli.out.rows(rows, functionColumns(names), 'There are no functions yet. Make one with: taibai init nodejs hello')
    },
  },
  {
    name: 'show',
    summary: 'show a function',
    arguments: [['<function>', 'its name or id']],
    examples: ['taibai show greet'],
    async run(cli, args) {
      const fn = await findFunction(cli.client(), argumentAt(args, 0))
      const runtime = cli.out.json ? undefined : await runtimeName(cli.client(), fn)
      cli.out.value(fn, () => showFunction(cli.out, fn, { url: cli.client().url, runtime }))
    },
  },
  {
    name: 'update',
    summary: 'change the settings of a function; "deploy" changes its code',
    arguments: [['<function>', 'its name or id']],
    options: [
      ...fieldOptions.filter(([flags]) => !flags.startsWith('--runtime')),
      ['--name <name>', 'its new name'],
      ['--image <image>', 'new image or tag of a function that is an image'],
    ],
    examples: [
      'taibai update greet --timeout 30 --memory 256',
      'taibai update tool --image ghcr.io/me/tool:3',
      'taibai update greet -e GREETING=hello -e LANGUAGE=en',
    ],
    async run(cli, args, options) {
      const name = textOption(options, 'name')
      const image = textOption(options, 'image')
      const fields = {
        ...fieldsOfOptions(options),
        ...(name !== undefined && { name }),
        ...(image !== undefined && { image }),
      }
      if (Object.keys(fields).length === 0) throw usageError('Name what to change, such as --timeout 30.')
      const fn = await cli.client().functions.update(argumentAt(args, 0), fields)
      cli.out.value(fn, () => cli.out.line(`${fn.name ?? fn.id} is changed: the next call sees it.`))
    },
  },
  {
    name: 'delete',
    summary: 'remove functions with their versions and workers',
    arguments: [['<functions...>', 'names or ids']],
    options: [
      ['-y, --yes', 'do not ask'],
      ['--cascade', 'with the jobs, webhooks, sources and aliases that point at them'],
    ],
    examples: ['taibai delete greet', 'taibai delete old-one older-one --cascade --yes'],
    async run(cli, args, options) {
      const names = args[0] as string[]
      if (options.yes !== true && !(await askConfirmation(cli, `Remove ${names.join(', ')} for good?`))) return
      for (const name of names) {
        const fn = await findFunction(cli.client(), name)
        await cli.client().functions.delete(fn.id, options.cascade === true ? { cascade: true } : {})
        cli.out.line(`${name} is removed.`)
      }
      cli.out.value({ deleted: names }, () => {})
    },
  },
  {
    name: 'download',
    summary: 'download the package of a function as a ZIP',
    arguments: [
      ['<function>', 'its name, or name:version'],
      ['[file]', 'output file; "-" is standard output; default: <name>.zip'],
    ],
    examples: ['taibai download greet', 'taibai download greet:2 - > greet-2.zip'],
    async run(cli, args) {
      const { name, version } = parseTarget(argumentAt(args, 0))
      const zip = await cli.client().functions.download(name, version)
      const file = (args[1] as string | undefined) ?? `${name}.zip`
      if (file === '-') return cli.out.raw(zip)
      writeFileSync(file, zip)
      cli.out.value({ file, bytes: zip.length }, () => cli.out.line(`The package is in ${file}: ${zip.length} bytes.`))
    },
  },
]
