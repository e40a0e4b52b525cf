import { z } from 'zod'
import { instant, noQuery, person, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'

/** A file on a task, without what is in it. */
export const attachment = z.object({
  id: uuid,
  taskId: uuid,
  uploaderId: uuid,
  uploader: person,
  fileName: z.string(),
  /** By what is in it, not by its name. */
  contentType: z.string(),
  size: z.int(),
  createdAt: instant,
})
export type Attachment = z.infer<typeof attachment>

const taskParams = z.object({ taskId: uuid })
const attachmentParams = z.object({ attachmentId: uuid })

export const addAttachment = {
  name: 'addAttachment',
  params: taskParams,
  query: noQuery,
  /** One file, in the field `file`. */
  consumes: 'multipart/form-data',
  response: attachment,
}
export const listAttachments = {
  name: 'listAttachments',
  params: taskParams,
  query: pageQuery.extend({ sort: z.enum(['createdAt', '-createdAt']).default('createdAt') }),
  response: z.array(attachment),
}
export const getAttachment = {
  name: 'getAttachment',
  params: attachmentParams,
  query: noQuery,
  response: attachment,
}
export const downloadAttachment = {
  name: 'downloadAttachment',
  params: attachmentParams,
  query: noQuery,
  produces: 'application/octet-stream',
  statuses: [200, 206],
}
export const deleteAttachment = { name: 'deleteAttachment', params: attachmentParams, query: noQuery }
