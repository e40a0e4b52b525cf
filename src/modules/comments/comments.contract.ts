import { z } from 'zod'
import { content, instant, noQuery, person, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'

/** The most characters that one comment may have. */
export const COMMENT_LENGTH = 40_000

/** A comment as everybody who sees its task does; a deleted one stays as a tombstone with empty content. */
export const comment = z.object({
  id: uuid,
  taskId: uuid,
  authorId: uuid,
  author: person,
  content: z.string(),
  /** Those who see the project, of whom it names. */
  mentions: z.array(uuid),
  /** The first comment of its thread; null for that one itself. */
  parentId: uuid.nullable(),
  /** Of the first comment of a thread: its replies that are not deleted. */
  replyCount: z.int(),
  isEdited: z.boolean(),
  createdAt: instant,
  updatedAt: instant,
  deletedAt: instant.nullable(),
})
export type Comment = z.infer<typeof comment>

const taskParams = z.object({ taskId: uuid })
const commentParams = z.object({ commentId: uuid })
const text = content(COMMENT_LENGTH)

export const listComments = {
  name: 'listComments',
  params: taskParams,
  query: pageQuery.extend({ sort: z.enum(['createdAt', '-createdAt']).default('createdAt') }),
  response: z.array(comment),
}
export const addComment = {
  name: 'addComment',
  params: taskParams,
  query: noQuery,
  /** A reply to a reply belongs to the first comment. */
  body: z.strictObject({ content: text, parentId: uuid.optional() }),
  response: comment,
}
export const getComment = { name: 'getComment', params: commentParams, query: noQuery, response: comment }
export const editComment = {
  name: 'editComment',
  params: commentParams,
  query: noQuery,
  body: z.strictObject({ content: text }),
  response: comment,
}
export const deleteComment = { name: 'deleteComment', params: commentParams, query: noQuery }
