import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import type { z } from 'zod'
import { seesProject } from '../../access/visibility.js'
import { byTime } from '../../db/by-time.js'
import { Database, type Queries } from '../../db/database.js'
import { oneRow } from '../../db/one-row.js'
import { personColumns } from '../../db/person-columns.js'
import { comments } from '../../db/schema/comments.js'
import { users, workspaceMembers } from '../../db/schema/people.js'
import { projects, tasks } from '../../db/schema/work.js'
import { type ErrorCode, refuse } from '../../errors.js'
import { type Page, toPage } from '../../pagination.js'
import { lockWorkspace, nextActivitySeq } from '../activity/record-activity.js'
import { mentionedNames } from '../messages/mentions.js'
import { recordOnTask, type TaskPlace } from '../tasks/changes/record-on-task.js'
import { stepTask } from '../tasks/changes/step-task.js'
import { oneTask } from '../tasks/task-row.js'
import type { Task } from '../tasks/tasks.contract.js'
import type { addComment, Comment, listComments } from './comments.contract.js'

export type NewComment = z.output<typeof addComment.body>
type ListQuery = z.output<typeof listComments.query>

/** A comment and the task that it is on. */
export interface CommentPlace {
  id: string
  task: TaskPlace
}

const replyCount = sql<number>`(
  select count(*) from ${comments} r where r.parent_id = ${comments.id} and r.deleted_at is null)`

const commentRow = {
  id: comments.id,
  taskId: comments.taskId,
  authorId: comments.authorId,
  author: personColumns,
  content: sql<string>`case when ${comments.deletedAt} is null then ${comments.content} else '' end`,
  mentions: comments.mentions,
  parentId: comments.parentId,
  replyCount,
  isEdited: sql<boolean>`${comments.editedAt} is not null`,
  createdAt: comments.createdAt,
  updatedAt: comments.updatedAt,
  deletedAt: comments.deletedAt,
}

@Repository()
export class CommentsRepository {
  @Autowired(Database) private db!: Database

  async byId(commentId: string): Promise<Comment | undefined> {
    const [found] = await select(this.db.query).where(eq(comments.id, commentId))
    return found
  }

  /** The comments on a task, tombstones included, by the time they were made. */
  async forTask(taskId: string, { limit, cursor, sort }: ListQuery): Promise<Page<Comment>> {
    const isLatestFirst = sort === '-createdAt'
    const page = byTime(`comments ${sort}`, comments.createdAt, comments.id, { cursor, isLatestFirst })
    const rows = await select(this.db.query)
      .where(and(eq(comments.taskId, taskId), page.beyond))
      .orderBy(...page.order)
      .limit(limit + 1)
    return toPage(rows, limit, last => page.cursorAt(last.createdAt, last.id))
  }

  /**
   * A comment, and the task that has one more.
   * @throws TASK_NOT_FOUND or PROJECT_NOT_FOUND when it was deleted meanwhile
   */
  create(
    authorId: string,
    task: TaskPlace,
    { content, parentId }: NewComment,
  ): Promise<{ comment: Comment; task: Task }> {
    const id = v7()
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, task.workspaceId)
      const at = await stepTask(tx, task)
      const thread = parentId === undefined ? null : await threadOf(tx, task.id, parentId)
      const mentions = await mentioned(tx, task.projectId, content)
      const { workspaceId, id: taskId } = task
      const text = { content, mentions }
      const values = { id, workspaceId, taskId, authorId, parentId: thread, ...text }
      await tx.insert(comments).values({ ...values, createdAt: at, updatedAt: at })
      const after = { commentId: id, parentId: thread, ...text }
      await recordOnTask(tx, activity, authorId, task, { type: 'comment.created', after })
      return { comment: await one(tx, id), task: await oneTask(tx, taskId) }
    })
  }

  /**
   * The task does not change by it: no board shows what a comment says.
   * @throws COMMENT_DELETED
   */
  edit(
    authorId: string,
    { id, task }: CommentPlace,
    content: string,
  ): Promise<{ comment: Comment; changed: boolean }> {
    return this.db.write(async tx => {
      await lockWorkspace(tx, task.workspaceId)
      const { deletedAt, ...before } = await standing(tx, id)
      if (deletedAt !== null) throw refuse('COMMENT_DELETED')
      if (content === before.content) return { comment: await one(tx, id), changed: false }
      const activity = await nextActivitySeq(tx, task.workspaceId)
      const after = { content, mentions: await mentioned(tx, task.projectId, content) }
      await tx
        .update(comments)
        .set({ ...after, editedAt: now, updatedAt: now })
        .where(eq(comments.id, id))
      await recordOnTask(tx, activity, authorId, task, {
        type: 'comment.edited',
        before: { commentId: id, ...before },
        after: { commentId: id, ...after },
      })
      return { comment: await one(tx, id), changed: true }
    })
  }

  /** Leaves a tombstone; gives the task that has one fewer, or undefined where it was deleted already. */
  softDelete(actorId: string, { id, task }: CommentPlace): Promise<Task | undefined> {
    return this.db.write(async tx => {
      await lockWorkspace(tx, task.workspaceId)
      const { deletedAt, ...before } = await standing(tx, id)
      if (deletedAt !== null) return undefined
      const activity = await nextActivitySeq(tx, task.workspaceId)
      const at = await stepTask(tx, task)
      await tx.update(comments).set({ deletedAt: at, updatedAt: at }).where(eq(comments.id, id))
      await recordOnTask(tx, activity, actorId, task, {
        type: 'comment.deleted',
        before: { commentId: id, ...before },
      })
      return oneTask(tx, task.id)
    })
  }
}

const now = sql`clock_timestamp()`

function select(queries: Queries) {
  return queries
    .select(commentRow)
    .from(comments)
    .innerJoin(users, eq(users.id, comments.authorId))
    .$dynamic()
}

async function one(tx: Queries, commentId: string): Promise<Comment> {
  return oneRow(await select(tx).where(eq(comments.id, commentId)))
}

/** The comment as it is under the lock, on a task that is still there. */
async function standing(tx: Queries, commentId: string) {
  const { content, mentions, deletedAt } = comments
  const [found] = await tx
    .select({ content, mentions, deletedAt })
    .from(comments)
    .innerJoin(tasks, eq(tasks.id, comments.taskId))
    .innerJoin(projects, eq(projects.id, tasks.projectId))
    .where(and(eq(comments.id, commentId), isNull(tasks.deletedAt), isNull(projects.deletedAt)))
  if (!found) throw refuse('COMMENT_NOT_FOUND')
  return found
}

/** The first comment of the thread that a reply goes to. */
async function threadOf(tx: Queries, taskId: string, commentId: string): Promise<string> {
  const { id, parentId, deletedAt } = comments
  const [parent] = await tx
    .select({ parentId, deletedAt })
    .from(comments)
    .where(and(eq(id, commentId), eq(comments.taskId, taskId)))
  if (!parent) throw wrongParent('PARENT_NOT_FOUND', 'is no comment on this task')
  if (parent.deletedAt !== null) throw wrongParent('COMMENT_DELETED', 'was deleted')
  return parent.parentId ?? commentId
}

function wrongParent(code: ErrorCode, message: string) {
  return refuse(code, { errors: [{ path: 'body.parentId', message }] })
}

/** Those who see the project, of whom a text names. */
async function mentioned(tx: Queries, projectId: string, content: string): Promise<string[]> {
  const names = mentionedNames(content)
  if (names.length === 0) return []
  const found = await tx
    .select({ id: users.id })
    .from(users)
    .innerJoin(workspaceMembers, eq(workspaceMembers.userId, users.id))
    .innerJoin(projects, eq(projects.workspaceId, workspaceMembers.workspaceId))
    .where(and(eq(projects.id, projectId), inArray(users.username, names), seesProject))
    .orderBy(asc(users.id))
  return found.map(({ id }) => id)
}
