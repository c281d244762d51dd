import { dirname } from 'node:path'
import { readSettings } from '../host/address.ts'
import { installService, type Service, serviceOf, serviceState, uninstallService } from '../host/service.ts'
import { type Cli, type CommandSpec, exitCode, type Options, textOption } from './command.ts'
import { rememberLocalServer } from './servers/local-server.ts'

const usualUser = 'taibai'

export const commands: CommandSpec[] = [
  {
    name: 'service install',
    summary:
      'install the server as a systemd service that starts now and at every boot; without root, as a service of the current user',
    options: [
      [
        '--user <name>',
        `who runs it, made where there is none; root can close the host's services to functions; default: ${usualUser}`,
      ],
      ['--data-dir <folder>', 'default: /var/lib/taibai, for a user the data folder'],
      ['--print', 'only show the unit'],
    ],
    examples: ['sudo taibai service install', 'taibai service install --print'],
    run: (cli, _args, options) => install(cli, serviceFor(cli, options), options.print === true),
  },
  {
    name: 'service uninstall',
    summary: 'stop and remove the service; the data stays',
    examples: ['sudo taibai service uninstall'],
    async run(cli) {
      const service = serviceFor(cli, {})
      const wasThere = await uninstallService(service)
      cli.out.value({ uninstalled: wasThere, unit: service.unitFile }, () =>
        cli.out.line(wasThere ? 'The service is removed; its data stays.' : `There is no ${service.unitFile}.`),
      )
    },
  },
  {
    name: 'service status',
    summary: 'show whether the service is installed and runs',
    examples: ['taibai service status'],
    async run(cli) {
      const service = serviceFor(cli, {})
      const state = await serviceState(service)
      cli.out.value({ unit: service.unitFile, ...state }, () =>
        cli.out.fields([
          ['unit', state.installed ? service.unitFile : 'not installed'],
          ['state', state.active ?? 'systemd does not run here'],
          ['with the machine', state.enabled],
          ['process', state.pid],
        ]),
      )
      return state.active === 'active' ? 0 : exitCode('failed')
    },
  },
]

const serviceFor = (cli: Cli, options: Options): Service =>
  serviceOf({
    settings: readSettings(),
    configHome: dirname(cli.configDir),
    user: textOption(options, 'user') ?? usualUser,
    dataDir: textOption(options, 'dataDir'),
  })

async function install(cli: Cli, service: Service, isPrint: boolean): Promise<void> {
  const { unitFile, text, facts } = service
  if (isPrint) return cli.out.value({ unit: unitFile, text }, () => cli.out.raw(text))
  await installService(service, (line) => cli.out.line(line))
  rememberLocalServer(cli.configDir, { ...readSettings(), dataDir: facts.dataDir })
  cli.out.value({ unit: unitFile, data_dir: facts.dataDir }, () => {
    cli.out.line(`Settings go to ${facts.environmentFile}, one per line, such as TAIBAI_BACKUP_EVERY_HOURS=24.`)
    cli.out.line(`Its log: journalctl ${service.scope === 'user' ? '--user ' : ''}-u taibai -f`)
    cli.out.line(`Your commands find it from now on. Those of others need its address and a token: taibai context add`)
    if (service.scope === 'user') cli.out.line('To keep it running while you are not logged in: loginctl enable-linger')
  })
}
