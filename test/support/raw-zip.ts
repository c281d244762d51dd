import { crc32, deflateRawSync } from 'node:zlib'

/** One entry, as wrong as a test wants it; what is not given is right. */
export interface RawEntry {
  name: string
  content?: string | Buffer
  /** Unix mode with its type bits, such as 0o120777. */
  mode?: number
  deflate?: boolean
  encrypted?: boolean
  method?: number
  /** What the ZIP says, when that is not the truth. */
  size?: number
  crc?: number
  /** Bytes that replace the compressed content in the file. */
  stored?: Buffer
  /** Seconds since 1970, in the extra field that Info-ZIP's programs write. */
  time?: number
}

/** A ZIP written by hand, byte by byte: real tools refuse to write most of these. */
export function rawZip(entries: RawEntry[]): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const { local, record } = parts(entry, offset)
    locals.push(local)
    central.push(record)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}

function parts(entry: RawEntry, offset: number): { local: Buffer; record: Buffer } {
  const name = Buffer.from(entry.name)
  const content = Buffer.from(entry.content ?? '')
  const data = entry.stored ?? (entry.deflate ? deflateRawSync(content) : content)
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt16LE(0x800 | (entry.encrypted ? 1 : 0), 2)
  common.writeUInt16LE(entry.method ?? (entry.deflate ? 8 : 0), 4)
  common.writeUInt16LE(0x21, 8)
  common.writeUInt32LE(entry.crc ?? crc32(content), 10)
  common.writeUInt32LE(data.length, 14)
  common.writeUInt32LE(entry.size ?? content.length, 18)
  common.writeUInt16LE(name.length, 22)
  const extra = entry.time === undefined ? Buffer.alloc(0) : timeField(entry.time)
  common.writeUInt16LE(extra.length, 24)

  const record = Buffer.alloc(46)
  record.writeUInt32LE(0x02014b50, 0)
  record.writeUInt16LE(0x0314, 4)
  common.copy(record, 6)
  record.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 38)
  record.writeUInt32LE(offset, 42)
  return {
    local: Buffer.concat([Buffer.from('PK\x03\x04'), common, name, extra, data]),
    record: Buffer.concat([record, name, extra]),
  }
}

function timeField(time: number): Buffer {
  const field = Buffer.alloc(9)
  field.writeUInt16LE(0x5455, 0)
  field.writeUInt16LE(5, 2)
  field[4] = 1
  field.writeInt32LE(time, 5)
  return field
}
