import { notFound } from '../../src/domain/errors.ts'
import type { SecretReader } from '../../src/domain/platform/secret.ts'

/** Secrets of a project that has none. */
export const noSecrets: SecretReader = {
  open: (_projectId, name) => {
    throw notFound('Secret', name)
  },
  bound: () => ({ env: {}, files: {} }),
}
