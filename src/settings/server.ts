import { resolve } from 'node:path'
import { z } from 'zod'
import { isExecutable, runtimesFolder } from '../assets.ts'
import { defaults } from '../cli-settings.ts'
import { flag, int, list } from './value-kinds.ts'

export const server = {
  host: z.string().default(defaults.host).describe('Address to listen on; 0.0.0.0 for every interface.'),
  port: int(0, 65535).default(defaults.port).describe('Port to listen on; 0 uses any free port.'),
  dataDir: z
    .string()
    .default(defaults.dataDir)
    .transform((path) => resolve(path))
    .describe('Folder of all persistent data: databases, packages, secret key, admin token.'),
  runtimesDir: z
    .string()
    .default(isExecutable ? '' : runtimesFolder(''))
    .describe('Folder of the runtimes, with one subfolder for each. The executable contains its own.'),
  runtimes: list
    .default([])
    .describe(
      'More languages and language versions that functions may use, separated by commas: go, ruby, nodejs22, python311. Their images are built together with the other runtime images.',
    ),
  cacheDir: z
    .string()
    .default('')
    .describe(
      'Folder into which the executable unpacks its files; it must allow running programs (no noexec). Default: <data>/program.',
    ),
  publicUrl: z
    .string()
    .optional()
    .describe('Base URL of webhooks as external callers see it; default: the host and port of the request.'),
  trustProxy: flag
    .default(false)
    .describe(
      'Trust the headers X-Forwarded-Proto, -Host, -Prefix and -For: enable this only behind a proxy that sets them.',
    ),
  functionHosts: list
    .default([])
    .describe(
      'Host names that members may assign to their functions, separated by commas; *.example.org allows all subdomains. Admins may assign any name.',
    ),
  corsOrigins: list.default([]).describe('Origins from which browsers may call the API (CORS), separated by commas.'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Minimum level of log messages, which are JSON lines on standard output.'),
  logExecutions: z
    .enum(['failed', 'all'])
    .default('failed')
    .describe('Executions that are logged: those that failed, or all. Every execution has a record in any case.'),
}
