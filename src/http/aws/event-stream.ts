import { crc32 } from 'node:zlib'

/** Messages of `application/vnd.amazon.eventstream`. Pure. Numbers are big-endian. */

const textHeader = 7
const preludeBytes = 12
const crcBytes = 4

export function eventMessage(type: string, contentType: string, payload: Buffer): Buffer {
  const headers = Buffer.concat([
    header(':event-type', type),
    header(':content-type', contentType),
    header(':message-type', 'event'),
  ])
  const message = Buffer.alloc(preludeBytes + headers.length + payload.length + crcBytes)
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(headers.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  headers.copy(message, preludeBytes)
  payload.copy(message, preludeBytes + headers.length)
  message.writeUInt32BE(crc32(message.subarray(0, -crcBytes)), message.length - crcBytes)
  return message
}

function header(name: string, value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([textHeader]), length, bytes])
}
