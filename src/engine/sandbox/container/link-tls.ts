import { type Finding, ok, warning } from '../../../domain/platform/finding.ts'
import type { WorkerCallers } from '../sandbox.ts'

/** What the operator wants of TCP between workers and the server. */
export type LinkTls = 'auto' | 'on' | 'off'

/** `staysHere`: what they say never leaves this machine. */
export const isLinkEncrypted = (wish: LinkTls, staysHere: boolean): boolean =>
  wish === 'auto' ? !staysHere : wish === 'on'

/** What there is to say of the way between workers and the server; nothing where they have a folder. */
export function linkFindings(callers: WorkerCallers | undefined): Finding[] {
  if (callers === undefined) return []
  if (callers.isEncrypted) {
    return [
      ok(area, 'Workers and the server connect over TCP, encrypted (TLS 1.3, with a certificate made at this start).'),
    ]
  }
  if (callers.staysHere) {
    return [
      ok(area, 'Workers and the server connect over TCP, which does not leave this machine and is not encrypted.'),
    ]
  }
  return [
    warning(
      area,
      'The TCP connections between workers and the server are not encrypted (each worker proves itself with a secret of its own).',
      'Do not set TAIBAI_LINK_TLS to off, or let workers reach this server over a network of their own: a VLAN, or WireGuard.',
    ),
  ]
}

const area = 'link'
