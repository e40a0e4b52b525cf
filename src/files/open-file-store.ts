import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Logger } from '@forinda/kickjs-core'
import type { Config, S3Config } from '../config.js'
import type { FileStore } from './file-store.js'
import { FolderStore } from './folder-store.js'

const logger = Logger.for('Files')

/**
 * Where the settings want files to be: a bucket, or the folder `attachments` in the data folder. If it
 * cannot be reached that is logged alone: everything else works without it, and it may be back soon.
 */
export function openFileStore({ s3, dataDir }: Config): Promise<FileStore> {
  return s3 ? openBucket(s3) : openFolder(join(dataDir, 'attachments'))
}

async function openFolder(folder: string): Promise<FileStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(error => {
    logger.error({ err: error, folder }, 'the folder for files cannot be made')
  })
  return new FolderStore(folder)
}

/** The library takes half a second to load, for which those do not wait who have no bucket. */
async function openBucket(s3: S3Config): Promise<FileStore> {
  const { S3Store } = await import('./s3-store.js')
  const store = new S3Store(s3)
  void store.check().catch(error => {
    logger.error({ err: error, bucket: s3.bucket }, 'the bucket for files cannot be reached')
  })
  return store
}
