// The certificate authorities that this host trusts, so that functions verify TLS the way the host does.
import { existsSync, readFileSync } from 'node:fs'

const SYSTEM_BUNDLE = '/etc/ssl/certs/ca-certificates.crt'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** Whether somebody told this host to trust more than its distribution does. */
export function hostHasExtraCertificates(env: NodeJS.ProcessEnv = process.env): boolean {
  return extraBundles(env).some(existsSync)
}

/** Everything the host trusts as one bundle; empty when it has none. */
export function hostCertificates(env: NodeJS.ProcessEnv = process.env): string {
  const files = [SYSTEM_BUNDLE, ...extraBundles(env)].filter(existsSync)
  return mergeCertificates(files.map((file) => readFileSync(file, 'utf8')))
}

export function mergeCertificates(bundles: string[]): string {
  const all = bundles.flatMap((bundle) => bundle.match(CERTIFICATE) ?? [])
  return [...new Set(all)].map((certificate) => `${certificate}\n`).join('')
}

function extraBundles(env: NodeJS.ProcessEnv): string[] {
  return [env.SSL_CERT_FILE, env.NODE_EXTRA_CA_CERTS].filter((path) => path !== undefined && path !== '') as string[]
}
