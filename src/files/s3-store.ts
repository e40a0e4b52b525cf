import { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  NoSuchKey,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import type { S3Config } from '../config.js'
import { type ByteRange, type FileStore, isKey, type StoredFile } from './file-store.js'

/** A connection is taken up by each file that is being read, for as long as its reader takes. */
const MOST_CONNECTIONS = 500
const CONNECT_MS = 5_000
/** Without a byte either way. */
const SILENCE_MS = 60_000

/** Files as objects of a bucket of S3, or of whatever speaks its protocol. */
export class S3Store implements FileStore {
  private readonly client: S3Client
  private readonly bucket: string

  constructor({ bucket, region, endpoint, forcePathStyle, credentials }: S3Config) {
    const agent = { keepAlive: true, maxSockets: MOST_CONNECTIONS }
    this.bucket = bucket
    this.client = new S3Client({
      region,
      forcePathStyle,
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials && { credentials }),
      // Other stores than that of AWS know no checksums but the old ones.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        socketTimeout: SILENCE_MS,
        httpAgent: agent,
        httpsAgent: agent,
      },
    })
  }

  /** Rejects where the bucket cannot be used. */
  async check(): Promise<void> {
    await this.client.send(new HeadBucketCommand({ Bucket: this.bucket }))
  }

  async put(key: string, content: Readable): Promise<number> {
    let bytes = 0
    const counted = async function* () {
      for await (const chunk of content) {
        bytes += chunk.length
        yield chunk
      }
    }
    const Body = Readable.from(counted(), { objectMode: false })
    // One part at a time, so that an upload never holds more than that in memory.
    const upload = new Upload({
      client: this.client,
      params: { Bucket: this.bucket, Key: key, Body },
      queueSize: 1,
    })
    await upload.done()
    return bytes
  }

  async get(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const Range = range && `bytes=${range.start}-${range.end}`
    try {
      const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key, Range }))
      if (!(Body instanceof Readable)) throw new Error(`The object ${key} has no stream`)
      return Body
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined
      throw error
    }
  }

  async remove(key: string): Promise<void> {
    await this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }))
  }

  async list(prefix: string): Promise<StoredFile[]> {
    const found: StoredFile[] = []
    const pages = paginateListObjectsV2({ client: this.client }, { Bucket: this.bucket, Prefix: prefix })
    for await (const { Contents = [] } of pages) {
      for (const { Key: key, LastModified: at } of Contents) {
        if (key !== undefined && isKey(key) && at) found.push({ key, modifiedAt: at.getTime() })
      }
    }
    return found
  }
}
