import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Logger } from '@forinda/kickjs-core'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config.js'
import { FolderStore } from '../../src/files/folder-store.js'
import { openFileStore } from '../../src/files/open-file-store.js'
import { S3Store } from '../../src/files/s3-store.js'
import { refusedStart, temporaryFolder } from '../support/process.js'

Logger.configure({ level: 'silent' })

const keys = { S3_ACCESS_KEY_ID: 'id', S3_SECRET_ACCESS_KEY: 'secret' }

describe('the settings of files', () => {
  test('are the data folder, 25 MiB and 5 GiB unless set otherwise', () => {
    expect(loadConfig({})).toMatchObject({
      s3: undefined,
      maxUploadBytes: 26_214_400,
      workspaceQuotaBytes: 5_368_709_120,
    })
  })

  test('name a bucket, and where and how it is reached', () => {
    const endpoint = 'http://127.0.0.1:9000'
    expect(loadConfig({ S3_BUCKET: 'files', ...keys }).s3).toEqual({
      bucket: 'files',
      region: 'us-east-1',
      endpoint: undefined,
      forcePathStyle: false,
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    })
    const env = {
      S3_BUCKET: 'files',
      S3_REGION: 'x',
      S3_ENDPOINT: endpoint,
      S3_FORCE_PATH_STYLE: 'on',
      S3_ACCESS_KEY_ID: '',
    }
    expect(loadConfig(env).s3).toEqual({
      bucket: 'files',
      region: 'x',
      endpoint,
      forcePathStyle: true,
      credentials: undefined,
    })
  })

  test.each([
    ['S3_BUCKET', keys],
    ['S3_BUCKET', { S3_ENDPOINT: 'https://minio.internal' }],
    ['S3_BUCKET', { S3_FORCE_PATH_STYLE: 'on' }],
    ['S3_SECRET_ACCESS_KEY', { S3_BUCKET: 'files', S3_ACCESS_KEY_ID: 'id' }],
    ['S3_ACCESS_KEY_ID', { S3_BUCKET: 'files', S3_SECRET_ACCESS_KEY: 'secret' }],
    ['S3_ENDPOINT', { S3_BUCKET: 'files', S3_ENDPOINT: 'minio:9000' }],
    ['S3_FORCE_PATH_STYLE', { S3_BUCKET: 'files', S3_FORCE_PATH_STYLE: 'yes' }],
    ['MAX_UPLOAD_BYTES', { MAX_UPLOAD_BYTES: '25 MB' }],
    ['MAX_UPLOAD_BYTES', { MAX_UPLOAD_BYTES: '0' }],
    ['WORKSPACE_QUOTA_BYTES', { WORKSPACE_QUOTA_BYTES: '-1' }],
  ])('are refused with a line that names %s', (name, env) => {
    expect(() => loadConfig(env)).toThrow(new RegExp(`^Wrong environment: [^\\n]*${name}[^\\n]*$`))
  })

  test('that do not go together end the start with that line alone', async () => {
    const { code, stdout, stderr } = await refusedStart({ S3_ACCESS_KEY_ID: 'id', S3_BUCKET: 'files' })
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^Wrong environment: S3_ACCESS_KEY_ID [^\n]*\n$/)
  })
})

describe('the place of files', () => {
  test('is what the settings say', async () => {
    const dataDir = temporaryFolder()
    expect(await openFileStore({ ...loadConfig({}), dataDir })).toBeInstanceOf(FolderStore)
    const { s3 } = loadConfig({ S3_BUCKET: 'files', S3_ENDPOINT: 'http://127.0.0.1:1', ...keys })
    expect(await openFileStore({ ...loadConfig({}), s3 })).toBeInstanceOf(S3Store)
  })

  test('that is not there now does not keep the server from starting', async () => {
    const dataDir = temporaryFolder()
    writeFileSync(join(dataDir, 'attachments'), 'no folder')
    expect(await openFileStore({ ...loadConfig({}), dataDir })).toBeInstanceOf(FolderStore)
  })
})
