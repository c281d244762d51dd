import { resolve } from 'node:path'
import { z } from 'zod'
import { isExecutable, runtimesFolder } from '../assets.ts'
import { defaults } from '../cli-settings.ts'
import { flag, int, list } from './value-kinds.ts'

export const server = {
  host: z.string().default(defaults.host).describe('Address to listen on; 0.0.0.0 for every interface.'),
  port: int(0, 65535).default(defaults.port).describe('Port to listen on; 0 takes a free one.'),
  dataDir: z
    .string()
    .default(defaults.dataDir)
    .transform((path) => resolve(path))
    .describe('Folder of everything that lasts: databases, packages, secret key, admin token.'),
  runtimesDir: z
    .string()
    .default(isExecutable ? '' : runtimesFolder(''))
    .describe('Folder of the runtimes; one sub-folder each. The executable brings its own.'),
  runtimes: list
    .default([])
    .describe(
      'Further languages and versions of languages, separated by commas, that functions may ask for: go, ruby, nodejs22, python311. Their images are made with the others.',
    ),
  cacheDir: z
    .string()
    .default('')
    .describe('Folder for what the executable has to unpack; programs must be allowed there. Default: <data>/program.'),
  publicUrl: z
    .string()
    .optional()
    .describe('Base of webhook URLs as the outside sees it; default: the host and port of the request.'),
  trustProxy: flag
    .default(false)
    .describe('Believe X-Forwarded-Proto, -Host, -Prefix and -For: switch on only behind a proxy that sets them.'),
  functionHosts: list
    .default([])
    .describe(
      'Host names, separated by commas, that members may give to their functions; *.example.org for all below one. Admins may give any.',
    ),
  corsOrigins: list.default([]).describe('Origins, separated by commas, that browsers may call the API from.'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Lowest level that is logged, as JSON lines on standard output.'),
  logExecutions: z
    .enum(['failed', 'all'])
    .default('failed')
    .describe(
      'Executions that leave a line in the log: those that did not succeed, or all. Every execution has a record in any case.',
    ),
}
