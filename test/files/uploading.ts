import { existsSync, readdirSync } from 'node:fs'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { CONFIG, type Config } from '../../src/config.js'
import type { Attachment } from '../../src/modules/attachments/attachments.contract.js'
import type { Answer, Api } from '../support/api.js'
import type { TestApp } from '../support/app.js'

export const BOUNDARY = 'a-boundary'

/** A part of a form as bytes, with the disposition given. */
export function part(disposition: string, content: string | Buffer = 'hello', headers = '') {
  const head = `--${BOUNDARY}\r\nContent-Disposition: ${disposition}\r\n${headers}\r\n`
  return Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from('\r\n')])
}

export const end = Buffer.from(`--${BOUNDARY}--\r\n`)

/** A form with one file, as bytes. */
export function form(content: string | Buffer = 'hello', fileName = 'note.txt') {
  return Buffer.concat([part(`form-data; name="file"; filename="${fileName}"`, content), end])
}

export const formHeaders = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }

/** Uploads a file as a browser does. */
export async function upload(
  api: Api,
  taskId: string,
  content: string | Buffer = 'hello',
  { fileName = 'note.txt', headers = {} }: { fileName?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return api.post(`/tasks/${taskId}/attachments`, undefined, {
    raw: form(content, fileName),
    headers: { ...formHeaders, ...headers },
  })
}

/** Uploads a file that has to be taken. */
export async function attach(api: Api, taskId: string, content?: string | Buffer, fileName?: string) {
  const { status, body } = await upload(api, taskId, content, fileName === undefined ? {} : { fileName })
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.data as Attachment
}

/** A request whose body is written by the test. */
export function begin(api: Api, path: string, headers: Record<string, string | number> = {}) {
  const { hostname, port } = new URL(api.origin)
  const req = request({
    hostname,
    port,
    path: `/api/v1${path}`,
    method: 'POST',
    headers: {
      ...formHeaders,
      ...(api.token !== undefined && { authorization: `Bearer ${api.token}` }),
      ...headers,
    },
  })
  return { req, answer: answerTo(req) }
}

async function answerTo(req: ClientRequest): Promise<{ status: number; code: string; body: string }> {
  const res = await new Promise<IncomingMessage>((resolve, reject) => {
    req.on('response', resolve).on('error', reject)
  })
  const body = await text(res)
  return { status: res.statusCode ?? 0, code: body === '' ? '' : JSON.parse(body).code, body }
}

/** Writes, and waits where the other side does not read. */
export function write(req: ClientRequest, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    req.write(bytes, error => (error ? reject(error) : resolve()))
  })
}

/** The names of all that the server keeps in its folder for files. */
export function filesOf(app: TestApp): string[] {
  const folder = join(app.container.resolve<Config>(CONFIG).dataDir, 'attachments')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(({ name }) => name)
}
