import { existsSync, readFileSync } from 'node:fs'
import { type HostEnvironment, readHostEnvironment } from '../config.ts'

/** The certificate authorities that this machine trusts, so that functions verify TLS as the machine does. */

const systemBundle = '/etc/ssl/certs/ca-certificates.crt'

const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** Whether this host trusts more authorities than its distribution does. */
export function hostHasExtraCertificates(env: HostEnvironment = readHostEnvironment()): boolean {
  return env.certificateFiles.some(existsSync)
}

/** All trusted authorities as one bundle; empty when there are none. */
export function hostCertificates(env: HostEnvironment = readHostEnvironment()): string {
  const files = [systemBundle, ...env.certificateFiles].filter(existsSync)
  return mergeCertificates(files.map((file) => readFileSync(file, 'utf8')))
}

export function mergeCertificates(bundles: string[]): string {
  const all = bundles.flatMap((bundle) => bundle.match(certificatePattern) ?? [])
  return [...new Set(all)].map((certificate) => `${certificate}\n`).join('')
}
