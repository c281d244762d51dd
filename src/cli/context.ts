import { argumentAt, CliError, type CommandSpec, textOption, usageError } from './command.ts'
import { readContexts, writeContexts } from './servers/contexts.ts'

const localName = 'local'

export const commands: CommandSpec[] = [
  {
    name: 'context add',
    summary: "store a server's address and token as a context",
    arguments: [
      ['<name>', 'its name'],
      ['<address>', 'such as https://functions.example.org'],
    ],
    options: [['--token-file <file>', 'file with its token; default: standard input']],
    examples: ['taibai context add shop https://functions.example.org --token-file shop.token'],
    async run(cli, args, options) {
      const [name, url] = [argumentAt(args, 0), argumentAt(args, 1)]
      if (name === localName) throw usageError('"local" is the server of this machine: choose another name.')
      if (!URL.canParse(url) || !/^https?:/.test(url))
        throw usageError(`"${url}" is not an address: write one that begins with http:// or https://.`)
      const file = textOption(options, 'tokenFile')
      if (file === undefined && cli.isInteractive) cli.out.warn('Paste the token, then press Enter and Ctrl-D:')
      const { readFileSync } = await import('node:fs')
      const token = (file === undefined ? await cli.input() : readFileSync(file)).toString('utf8').trim() || null
      const known = readContexts(cli.configDir)
      writeContexts(cli.configDir, { ...known, contexts: { ...known.contexts, [name]: { url, token } } })
      cli.out.value({ name, url }, () =>
        cli.out.line(`Context ${name} is ${url}. Use it with: taibai context use ${name}`),
      )
    },
  },
  {
    name: 'context use',
    summary: 'choose the server that commands use',
    arguments: [['<name>', 'name of the context; "local" is the server of this machine']],
    examples: ['taibai context use shop', 'taibai context use local'],
    async run(cli, args) {
      const name = argumentAt(args, 0)
      const known = readContexts(cli.configDir)
      if (name !== localName && known.contexts[name] === undefined) {
        throw new CliError(`There is no context "${name}"; "taibai context list" shows all.`, 'notFound')
      }
      const { contexts } = known
      writeContexts(cli.configDir, name === localName ? { contexts } : { current: name, contexts })
      cli.out.value({ current: name }, () => cli.out.line(`Commands use ${name} from now on.`))
    },
  },
  {
    name: 'context list',
    summary: 'list the stored contexts',
    examples: ['taibai context list'],
    async run(cli) {
      const { current = localName, contexts } = readContexts(cli.configDir)
      const rows = [
        { name: localName, url: 'the server of this machine', current: current === localName },
        ...Object.entries(contexts).map(([name, { url }]) => ({ name, url, current: name === current })),
      ]
      const columns = [
        { title: '', value: (row: (typeof rows)[number]) => (row.current ? '*' : ' ') },
        { title: 'NAME', value: (row: (typeof rows)[number]) => row.name },
        { title: 'SERVER', value: (row: (typeof rows)[number]) => row.url },
      ]
      cli.out.rows(rows, columns, '')
    },
  },
  {
    name: 'context rm',
    summary: 'delete a context',
    arguments: [['<name>', 'of the context']],
    examples: ['taibai context rm shop'],
    async run(cli, args) {
      const name = argumentAt(args, 0)
      const { current, contexts } = readContexts(cli.configDir)
      if (contexts[name] === undefined) throw new CliError(`There is no context "${name}".`, 'notFound')
      const { [name]: _gone, ...rest } = contexts
      writeContexts(
        cli.configDir,
        current === name ? { contexts: rest } : { ...(current && { current }), contexts: rest },
      )
      cli.out.line(`Context ${name} is removed.`)
    },
  },
]
