import { z } from 'zod'
import { flag, secret } from './value-kinds.ts'

export const access = {
  auth: z
    .enum(['token', 'keystone', 'none'])
    .default('token')
    .describe('Who may call: holders of API tokens, of Keystone tokens (and API tokens), or everybody (open mode).'),
  adminToken: z
    .string()
    .min(16)
    .optional()
    .meta(secret)
    .describe('Admin token to use; default: made at the first start and kept in <data>/admin.token.'),
  secretKey: z
    .string()
    .optional()
    .meta(secret)
    .describe(
      'Key of the secrets, 32 bytes in base64 or hex; default: made at the first start and kept in <data>/secret.key.',
    ),
  secretKeyFile: z.string().optional().describe('A file that holds this key, in place of <data>/secret.key.'),
  iKnowThisIsOpen: flag
    .default(false)
    .describe(
      'Allows open mode or the process engine to listen beyond loopback: whoever reaches the port can then run code here.',
    ),
}
