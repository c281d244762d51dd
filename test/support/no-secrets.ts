import { notFound } from '../../src/domain/errors.ts'
import type { SecretReader } from '../../src/domain/secret.ts'

/** Of a project without secrets. */
export const noSecrets: SecretReader = {
  open: (_projectId, name) => {
    throw notFound('Secret', name)
  },
  bound: () => ({ env: {}, files: {} }),
}
