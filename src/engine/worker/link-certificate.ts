import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** What the server shows to workers that call, and what they know it by. */
export interface LinkCertificate {
  /** In PEM. A worker trusts this one and nothing else. */
  certificate: string
  privateKey: string
}

/** The name in the certificate: what workers ask for, at whatever address they call. */
const name = 'taibai'
const oids = {
  commonName: '550403',
  basicConstraints: '551d13',
  subjectAltName: '551d11',
  ecdsaWithSha256: '2a8648ce3d040302',
}
const oneDayMs = 86_400_000
/** What stands for no end. */
const never = '99991231235959Z'

/**
 * A certificate that is its own authority, made anew at every start and kept in memory alone: workers end with their server, so
 * the key is in no file that could be copied, and the certificate never has to be renewed. Valid from a day ago, as the clocks of
 * other machines differ.
 */
export function makeLinkCertificate(nowMs: number): LinkCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(oid(oids.ecdsaWithSha256))
  const subject = sequence(tagged(0x31, sequence(oid(oids.commonName), tagged(0x0c, Buffer.from(name)))))
  const content = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ...[algorithm, subject, sequence(time(nowMs - oneDayMs), tagged(0x18, Buffer.from(never))), subject],
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(isAuthority(), alternativeName())),
  )
  const signature = bits(sign('sha256', content, privateKey))
  const der = sequence(content, algorithm, signature)
  return {
    certificate: pemOf(der),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const isAuthority = (): Buffer => sequence(oid(oids.basicConstraints), truth, tagged(0x04, sequence(truth)))

const alternativeName = (): Buffer =>
  sequence(oid(oids.subjectAltName), tagged(0x04, sequence(tagged(0x82, Buffer.from(name)))))

/** One value of ASN.1 in DER. */
function tagged(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body), body])
}

function lengthOf({ length }: Buffer): Buffer {
  if (length < 0x80) return Buffer.from([length])
  if (length < 0x100) return Buffer.from([0x81, length])
  return Buffer.from([0x82, length >> 8, length & 0xff])
}

const truth = tagged(0x01, Buffer.from([0xff]))
const sequence = (...content: Buffer[]): Buffer => tagged(0x30, ...content)
const oid = (hex: string): Buffer => tagged(0x06, Buffer.from(hex, 'hex'))
const bits = (bytes: Buffer): Buffer => tagged(0x03, Buffer.from([0]), bytes)

/** Years before 2050 have two digits. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14)
  return digits < '2050' ? tagged(0x17, Buffer.from(`${digits.slice(2)}Z`)) : tagged(0x18, Buffer.from(`${digits}Z`))
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
