import { z } from 'zod'
import { flag, secret } from './value-kinds.ts'

export const access = {
  auth: z
    .enum(['token', 'keystone', 'none'])
    .default('token')
    .describe(
      'Who may call: callers with API tokens, callers with Keystone tokens or API tokens, or everybody (open mode).',
    ),
  adminToken: z
    .string()
    .min(16)
    .optional()
    .meta(secret)
    .describe('Admin token; default: generated at the first start and stored in <data>/admin.token.'),
  secretKey: z
    .string()
    .optional()
    .meta(secret)
    .describe(
      'Key that encrypts the secrets: 32 bytes in base64 or hex; default: generated at the first start and stored in <data>/secret.key.',
    ),
  secretKeyFile: z.string().optional().describe('File that contains this key, instead of <data>/secret.key.'),
  iKnowThisIsOpen: flag
    .default(false)
    .describe(
      'Allows open mode or the process engine to listen on addresses other than loopback: anybody who reaches the port can then run code on this machine.',
    ),
}
